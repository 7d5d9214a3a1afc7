#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "score/request_tokens.h"
#include "tests/engine/instrumented.h"
#include "tests/engine/sequences.h"
#include "tests/engine/turn_subject.h"
#include "tests/engine/turn_table.h"

// The contract of docs/turns.md, for every template: what a policy drew behind the generation prompt, given back as
// text or as token ids, is read in the context that it was drawn in.
namespace endorm {
namespace {

constexpr std::uint64_t kSeed = 20261130;
constexpr double kRounding = 1e-4;  // nats: f32 weights and cache, batches of another shape (docs/accuracy.md)

struct Tally {
  std::map<std::string, std::size_t> properties;
  double worst = 0;  // |delta log pi|, nats
};

Tally& tally() {
  static Tally counts;
  return counts;
}

std::string numbers(const Tokens& tokens) {
  std::string text;
  for (const Token token : tokens) {
    text += std::to_string(token) + " ";
  }
  return text;
}

void check_same(const TokenizedResponse& found, const TokenizedResponse& expected, const std::string& property) {
  INFO(property, " found ", numbers(found.response), "expected ", numbers(expected.response));
  CHECK(found.prompt == expected.prompt);
  CHECK(found.response == expected.response);
  ++tally().properties[property];
}

// A special token that is text wherever a response spells it: the template does not write it in a model's turn, or it
// opens a turn, where it counts only before what the template writes behind it.
bool stays_text(const TurnSubject& subject, const std::string& text) {
  const bool marker =
      std::find(subject.model.markers.begin(), subject.model.markers.end(), text) != subject.model.markers.end();
  if (marker && subject.markers == MarkerKind::kUserDefined) {
    return false;
  }
  return !contains(subject.form->turn_text(), text) || contains(turn_opening(*subject.form), text);
}

// Special tokens that llama.cpp finds in any text.
bool always_found(const std::string& text) {
  return std::set<std::string>{"<|start|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|end|>"}.contains(text);
}

// (a) (b): drawn, as ids and as text.
void check_drawn(TurnSubject& subject) {
  const Tokens prompt = subject.engine->open_turn(kQuestion, subject.options);
  CHECK(prompt == subject.raw(subject.asked(), "x").prompt);
  std::vector<GenerationRequest> requests;
  for (std::uint64_t i = 0; i < 8; ++i) {
    requests.push_back({prompt, kSeed + i});
  }
  SamplingOptions sampling;
  sampling.max_tokens = 20;
  sampling.temperature = 1.2;
  sampling.log_probs = true;
  const std::vector<Completion> completions = subject.engine->generate(requests, sampling);
  std::vector<Sequence> sequences;
  std::map<Token, std::string> specials;
  for (const auto* list : {&subject.model.control, &subject.model.markers}) {
    for (const std::string& text : *list) {
      specials[subject.raw("", text).response.front()] = text;
    }
  }
  const Token pad = subject.raw("", "<|endoftext|>").response.front();
  specials[subject.raw("", "<BOS>").response.front()] = "<BOS>";
  const Turn turn = subject.turn();
  for (const Completion& completion : completions) {
    const bool finished = completion.end == CompletionEnd::kEndOfTurn;
    Tokens drawn = completion.tokens;
    if (finished) {
      drawn.push_back(*completion.end_token);
    }
    const TokenizedResponse ids = subject.engine->tokenize_ids(prompt, drawn);
    CHECK(ids.prompt == prompt);
    CHECK(ids.response == drawn);
    CHECK((ids.finish == Finish::kEndOfTurn) == finished);
    CHECK(ids.context == ResponseContext::kTokens);
    std::string bytes;
    for (const Token token : completion.tokens) {
      bytes += subject.engine->token_bytes(token);
    }
    CHECK(ids.text == bytes);
    if (finished) {  // ends and paddings behind it, as trainers hold them
      Tokens padded = drawn;
      padded.insert(padded.end(), {pad, pad, drawn.back(), pad});
      check_same(subject.engine->tokenize_ids(prompt, padded), ids, "drawn, given as ids, padded");
    }
    sequences.push_back({ids.prompt, ids.response});
    ++tally().properties[finished ? "drawn, given as ids" : "drawn and cut off, given as ids"];

    bool all_found = true;
    for (const Token token : completion.tokens) {
      const auto special = specials.find(token);
      if (special != specials.end() && stays_text(subject, special->second)) {
        all_found = false;
      }
    }
    const std::string spelled = bytes + (finished ? subject.engine->token_bytes(*completion.end_token) : "");
    const TokenizedResponse as_text = subject.read(spelled, !finished, ResponseReading::kAsDrawn);
    CHECK(as_text.prompt == prompt);
    CHECK(as_text.spelled_end == finished);
    for (const Token token : completion.tokens) {
      const auto special = specials.find(token);
      if (special != specials.end() && !contains(subject.form->turn_text(), special->second) &&
          stays_text(subject, special->second) && !always_found(special->second)) {
        CAPTURE(special->second);
        CHECK(std::find(as_text.response.begin(), as_text.response.end(), token) == as_text.response.end());
        ++tally().properties["a special token of another's turn stays text"];
      }
    }
    const TokenizedResponse again = subject.raw(subject.asked(), spelled);
    if (!all_found || again.response != drawn) {
      ++tally().properties["(drawn tokens that their own text does not give again)"];
      continue;
    }
    check_same(as_text, ids, finished ? "drawn, given as text" : "drawn and cut off, given as text");
    const TokenizedResponse of_auto = subject.read(spelled, !finished, ResponseReading::kAuto);
    const bool opener_again = turn.block && stripped(bytes).starts_with(stripped(turn.block->opener));
    if (of_auto.context == ResponseContext::kClosedByTemplate) {
      CHECK(finished);
      CHECK((turn.block ? !contains(bytes, turn.block->closer) : !turn.header.empty()));
      ++tally().properties["(drawn texts that auto reads as an answer alone)"];
    } else if (!opener_again) {
      check_same(of_auto, ids, "drawn, given as text, read by the rules");
    }
  }
  const SequenceStats stats = evaluate_together(*subject.engine, sequences);
  for (std::size_t i = 0; i < stats.size(); ++i) {
    REQUIRE(stats[i].size() == completions[i].log_probs.size());
    for (std::size_t t = 0; t < stats[i].size(); ++t) {
      const double difference = std::abs(log_prob(stats[i][t]) - completions[i].log_probs[t]);
      CHECK(difference < kRounding);
      tally().worst = worse(tally().worst, difference);
    }
    ++tally().properties["statistics are those of the drawing"];
  }
}

// Texts as a policy writes them: words, with the reasoning closed, empty, or cut off.
struct Written {
  std::string text;
  bool truncated;
};

std::vector<Written> written_texts(const Turn& turn) {
  if (!turn.block) {
    return {{"Four.", false}, {" Four, and then\n\nthe rest.", false}, {"Four\n", true}, {"\n\nFour", true}};
  }
  const std::string& closer = turn.block->closer;
  return {{"Two and two make\nfour.\n" + closer + "\n\nFour.", false},
          {closer + "Four.", false},
          {"\n" + closer + "\n\nFour.", false},
          {"Two and two make", true},
          {"Two and two make " + closer.substr(0, closer.size() / 2), true},
          {"Two and two make four." + closer + "\n\nFour", true}};
}

// (c) (d) (i): words, the opener again, ends and paddings behind.
void check_written(const TurnSubject& subject) {
  const std::string asked = subject.asked();
  const Turn turn = subject.turn();
  const std::string after = joined(turn.after);
  for (const auto& [text, truncated] : written_texts(turn)) {
    CAPTURE(text);
    const std::string end = truncated ? "" : subject.written_end(after).second;
    const TokenizedResponse expected = subject.raw(asked, text + end);
    const ResponseReading reading =
        turn.header.empty() || turn.block ? ResponseReading::kAuto : ResponseReading::kAsDrawn;
    const TokenizedResponse found = subject.read(text, truncated, reading);
    check_same(found, expected, turn.block ? "reasoning closed, empty or cut off" : "words");
    CHECK(found.context == ResponseContext::kAsDrawn);
    CHECK((found.finish == Finish::kEndOfTurn) == !end.empty());
    if (turn.block) {
      for (const std::string& opener : {turn.block->opener, std::string(stripped(turn.block->opener))}) {
        const bool goes_on = opener == turn.block->opener || !text.starts_with('\n');
        if (goes_on) {
          check_same(subject.read(opener + text, truncated, ResponseReading::kAuto), expected,
                     "the opener given again");
        }
      }
    }
    if (!truncated) {
      const std::string& own = subject.model.end;
      for (const std::string& behind :
           {own, own + "\n", own + "<|endoftext|>" + own + " \n", own + own + "<|endoftext|>"}) {
        const TokenizedResponse spelled = subject.read(text + behind, false, reading);
        check_same(spelled, subject.raw(asked, text + own), "an end spelled out, ends and paddings behind it");
        CHECK(spelled.spelled_end);
        CHECK(spelled.finish == Finish::kEndOfTurn);
      }
    }
  }
}

// (e): an answer alone stands where the template puts the content of a finished turn.
void check_answer_alone(const TurnSubject& subject, TurnRow& row) {
  const Turn turn = subject.turn();
  const std::string whole = subject.rendered(R"({"role":"assistant","content":"Four."})", false);
  const std::size_t at = whole.rfind("Four.");
  REQUIRE(at != std::string::npos);
  const std::string before = whole.substr(0, at);
  const bool other = before != subject.asked();
  const auto [behind, end] = subject.written_end(whole.substr(at + 5));
  const bool alone = other && (turn.block || !turn.header.empty());
  for (const ResponseReading reading : {ResponseReading::kAnswer, ResponseReading::kAuto}) {
    if (reading == ResponseReading::kAuto && !alone) {
      continue;
    }
    const TokenizedResponse found = subject.read("Four.", false, reading);
    CAPTURE(before);
    check_same(found, subject.raw(before, "Four." + (other ? behind : "") + end), "an answer alone");
    CHECK(found.context == (other ? ResponseContext::kClosedByTemplate : ResponseContext::kAsDrawn));
  }
  if (alone && turn.header.empty() == false) {  // the header given: the same
    const TokenizedResponse found = subject.read(turn.header + "Four.", false, ResponseReading::kAnswer);
    check_same(found, subject.raw(before, "Four." + behind + end), "an answer with its header");
  }
  row.answer = alone ? before.substr(before.rfind(kQuestion[0].content) + kQuestion[0].content.size()) : std::string();
  row.end = end;
}

// (f): a message with a tool call is what the template writes, and the same given as text is the same.
void check_tool_call(const TurnSubject& subject, TurnRow& row) {
  const ResponseText message{"", false, "{" + std::string(kCall) + "}"};
  TokenizedResponse found;
  try {
    found = subject.engine->tokenize(kQuestion, std::span(&message, 1), subject.options).front();
  } catch (const InvalidInput& error) {
    row.tool_call = error.what();
    return;
  }
  row.tool_call = "yes";
  const std::string asked = subject.asked();
  const std::string whole = subject.rendered(R"({"role":"assistant","content":"",)" + std::string(kCall) + "}", false);
  const std::string plain = subject.rendered(R"({"role":"assistant","content":"Four."})", false);
  const std::string finished = plain.substr(0, plain.rfind("Four."));
  const Turn turn = subject.turn();
  const bool drawn = whole.starts_with(asked);
  const bool behind_finished = !drawn && !turn.block && turn.header.empty() && whole.starts_with(finished);
  const std::size_t name = whole.rfind("look_up");
  REQUIRE(name != std::string::npos);
  const auto [behind, end] = subject.written_end(whole.substr(name));
  const std::string to_end = whole.substr(0, name) + behind;
  CAPTURE(whole);
  if (turn.block && whole.starts_with(finished)) {  // without reasoning it stands where an answer alone does
    const std::string own = to_end.substr(finished.size());
    check_same(found, subject.raw(finished, own + end), "a tool call as a message, behind a closed block");
    CHECK(found.context == ResponseContext::kClosedByTemplate);
    CHECK(found.text == own);
    check_same(subject.read(own + end, end.empty(), ResponseReading::kAnswer), found, "a tool call as text, alone");
  } else if (drawn || behind_finished) {
    const std::string own = to_end.substr(drawn ? asked.size() : finished.size());
    check_same(found, subject.raw(asked, own + end), "a tool call as a message");
    CHECK(found.context == ResponseContext::kAsDrawn);
    CHECK(found.text == own);
    check_same(subject.read(own + end, end.empty(), ResponseReading::kAsDrawn), found, "a tool call as text");
    const TokenizedResponse of_auto = subject.read(own + end, end.empty(), ResponseReading::kAuto);
    if (!turn.block || contains(own, turn.block->closer)) {
      check_same(of_auto, found, "a tool call as text, read by the rules");
    }
  } else {
    std::string prompt;
    for (const Token token : found.prompt) {
      prompt += subject.engine->token_bytes(token);
    }
    prompt = prompt.substr(to_end.starts_with(prompt) ? 0 : std::string("<BOS>").size());  // a BOS not of the template
    CHECK(to_end.starts_with(prompt));
    CHECK(asked.starts_with(prompt));
    check_same(found, subject.raw(prompt, to_end.substr(prompt.size()) + end), "a tool call behind a closed context");
    CHECK(found.context == ResponseContext::kClosedByTemplate);
  }
}

// (h): every turn of a conversation is the turn that it is alone.
void check_conversation(const TurnSubject& subject, bool evaluates) {
  Request request;
  request.messages = {kQuestion[0], {"assistant", "Four."}, {"user", "Sure?"}};
  request.responses.resize(1);
  request.responses[0].text = {" Quite sure.", false};
  std::vector<ScoredOutcome> outcomes(1);
  const PreparedRequest prepared =
      prepare_request(*subject.engine, request, subject.options, Overflow::kError, ScoredTurns::kAll, outcomes);
  REQUIRE(prepared.responses.size() == 1);
  const std::vector<TokenizedResponse>& turns = prepared.responses[0].turns;
  REQUIRE(turns.size() == 2);
  const ResponseText first{"Four.", false};
  check_same(turns[0], subject.engine->tokenize(kQuestion, std::span(&first, 1), subject.options).front(),
             "a turn of a conversation");
  const TokenizedResponse last =
      subject.engine->tokenize(request.messages, std::span(&request.responses[0].text, 1), subject.options).front();
  check_same(turns[1], last, "a turn of a conversation");
  if (!evaluates) {
    return;
  }
  std::vector<Sequence> sequences;
  for (const TokenizedResponse& turn : turns) {
    sequences.push_back({turn.prompt, turn.response});
  }
  tally().worst = worse(tally().worst, worst_log_prob_difference(evaluate_together(*subject.engine, sequences),
                                                                 evaluate_apart(*subject.engine, sequences)));
}

void check_template(const std::string& name, const TemplateModel& model, MarkerKind markers, bool draws,
                    const TemporaryDirectory& directory, std::vector<TurnRow>& rows) {
  TurnSubject subject(model, markers, directory);
  for (const std::string& arguments : subject.variants()) {
    CAPTURE(arguments);
    subject.options.arguments = arguments;
    TurnRow row{name, arguments, subject.opening()};
    const Turn turn = subject.turn();
    row.block = turn.block ? turn.block->closer : std::string();
    row.header = turn.header;
    if (draws) {
      check_drawn(subject);
    }
    check_written(subject);
    check_answer_alone(subject, row);
    check_tool_call(subject, row);
    check_conversation(subject, draws);
    rows.push_back(std::move(row));
  }
}

}  // namespace

TEST_CASE("what was drawn is read in the context that it was drawn in, under every template") {
  INFO("seed ", kSeed);
  const TemporaryDirectory directory;
  std::map<std::string, std::vector<TurnRow>> of_template;
  std::size_t count = 0;
  for (const auto& [name, source] : shipped_templates()) {
    CAPTURE(name);
    const TemplateModel model = model_of(source);
    const bool draws = !kInstrumented || count % 8 == 0;
    for (const MarkerKind markers : {MarkerKind::kUserDefined, MarkerKind::kControl}) {
      if (!kInstrumented || (count % 2 == 0) == (markers == MarkerKind::kControl)) {
        std::vector<TurnRow> own;
        CHECK_NOTHROW(check_template(name, model, markers, draws, directory, own));
        of_template[name] = std::move(own);
      }
    }
    ++count;
  }
  CHECK(tally().worst < kRounding);
  std::string found = std::to_string(count) + " templates, worst |delta log pi| " + std::to_string(tally().worst);
  for (const auto& [property, times] : tally().properties) {
    found += "\n  " + std::to_string(times) + " " + property;
  }
  MESSAGE(found);
  std::vector<TurnRow> rows;
  for (const auto& [name, own] : of_template) {
    rows.insert(rows.end(), own.begin(), own.end());
  }
  check_turn_table(rows);
}

TEST_CASE("harmony's channels are read as drawn, as text and as ids") {
  const TemporaryDirectory directory;
  const TurnSubject subject(model_of(shipped_templates().at("openai-gpt-oss-120b")), MarkerKind::kControl, directory);
  const std::string asked = subject.asked();
  const std::string analysis = "<|channel|>analysis<|message|>Two and two.";
  const std::string next = "<|end|><|start|>assistant";
  const std::string final = "<|channel|>final<|message|>Four.";
  const std::string call = " to=functions.look_up<|channel|>commentary json<|message|>{\"word\": \"four\"}";
  for (const auto& [text, end] : std::vector<std::pair<std::string, std::string>>{
           {analysis + next + final, "<|return|>"},
           {final, "<|return|>"},
           {analysis + next + call, "<|call|>"},
           {call, "<|call|>"},
           {analysis, ""},
           {analysis + next, ""},
           {"<|channel|>commentary<|message|>I look it up." + next + call, "<|call|>"}}) {
    CAPTURE(text);
    const TokenizedResponse expected = subject.raw(asked, text + end);
    for (const ResponseReading reading : {ResponseReading::kAuto, ResponseReading::kAsDrawn}) {
      const TokenizedResponse found = subject.read(text + end, end.empty(), reading);
      CHECK(found.prompt == expected.prompt);
      CHECK(found.response == expected.response);
      CHECK(found.context == ResponseContext::kAsDrawn);
      const TokenizedResponse ids = subject.engine->tokenize_ids(found.prompt, found.response);
      CHECK(ids.response == expected.response);
      CHECK(ids.finish == found.finish);
    }
  }
  // Another's turn is not the model's to open.
  const TokenizedResponse spoofed = subject.read(final + "<|im_start|>user<|eot_id|>", true, ResponseReading::kAsDrawn);
  CHECK(spoofed.response.size() > subject.raw(asked, final).response.size() + 10);
}

TEST_CASE("reasoning that begins as the generation prompt does is the message's all the same") {
  const TemporaryDirectory directory;
  const TurnSubject subject(model_of(shipped_templates().at("Apriel-1.6-15b-Thinker-fixed")), MarkerKind::kControl,
                            directory);
  REQUIRE(subject.asked().ends_with("Here are my reasoning steps:\n"));
  const ResponseText message{"Four.", false, R"({"reasoning_content":"Here and there."})"};
  const TokenizedResponse found = subject.engine->tokenize(kQuestion, std::span(&message, 1), {}).front();
  CHECK(found.text == "Here and there.\n[BEGIN FINAL RESPONSE]\nFour.");
  CHECK(found.context == ResponseContext::kClosedByTemplate);
}

TEST_CASE("what a tool call spells is text, and what a template leaves out of a message is refused") {
  const TemporaryDirectory directory;
  const auto sources = shipped_templates();
  const auto tokens_of = [&](const std::string& name, const std::string& content, const std::string& fields) {
    const TurnSubject subject(model_of(sources.at(name)), MarkerKind::kControl, directory);
    const ResponseText message{content, false, "{" + fields + "}"};
    const TokenizedResponse found = subject.engine->tokenize(kQuestion, std::span(&message, 1), {}).front();
    const Token end = subject.raw("", subject.model.end).response.front();
    CHECK(found.prompt == subject.engine->open_turn(kQuestion));
    CHECK((!contains(fields, "tool_calls") || found.text.ends_with("</tool_call>")));
    return std::make_pair(std::count(found.response.begin(), found.response.end(), end), found.response.back() == end);
  };
  const auto call_with = [](const std::string& word) {
    return R"("tool_calls":[{"type":"function","function":{"name":"look_up","arguments":{"word":")" + word + R"("}}}])";
  };
  for (const std::string name : {"Qwen-Qwen2.5-7B-Instruct", "Qwen3-Coder", "MiMo-VL"}) {
    CAPTURE(name);
    for (const std::string word : {"four", "a<|im_end|>b", "<|im_end|>", "<tool_call>", "<", "[", "\\n<|im_start|>\\n",
                                   "a \\\"<|im_end|>\\\" b"}) {
      CAPTURE(word);
      CHECK(tokens_of(name, "", call_with(word)) == std::make_pair(std::ptrdiff_t{1}, true));
      std::string as_text = call_with(word);
      if (!contains(word, "\\")) {  // the arguments as the text of an object
        const std::size_t begin = as_text.find("{\"word\"");
        as_text.replace(begin, as_text.find('}', begin) + 1 - begin, "\"{\\\"word\\\":\\\"" + word + "\\\"}\"");
        CHECK(tokens_of(name, "", as_text) == std::make_pair(std::ptrdiff_t{1}, true));
      }
    }
  }
  const std::string call(kCall);
  const auto refusal = [&](const std::string& name, const std::string& content, const std::string& fields) {
    return message_of<InvalidInput>([&] { tokens_of(name, content, fields); });
  };
  CHECK(contains(refusal("microsoft-Phi-3.5-mini-instruct", "", call), "leaves out the tool calls"));
  CHECK(contains(refusal("microsoft-Phi-3.5-mini-instruct", "Let me see.", call), "leaves out the tool calls"));
  CHECK(contains(refusal("meta-llama-Llama-3.1-8B-Instruct", "Let me see.", call), "leaves out the content"));
  CHECK(contains(refusal("Qwen-Qwen2.5-7B-Instruct", "Four.", R"("reasoning_content":"Two and two.")"),
                 "leaves out the reasoning_content"));
  CHECK(contains(refusal("NVIDIA-Nemotron-Nano-v2", "Let me see.", call), "more than one turn: <SPECIAL_12>"));
  CHECK(refusal("Qwen-Qwen3-0.6B", "Four.", R"("reasoning_content":"Two and two.")").empty());
}

}  // namespace endorm
