#include "engine/turns/chat_template.h"

#include <doctest/doctest.h>

#include "core/errors.h"
#include "engine/turns/input_marks.h"
#include "tests/engine/instrumented.h"
#include "tests/engine/shipped_templates.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;
using Kind = TextPart::Kind;

// Special tokens of many families, each behind letters that are in no template.
const std::vector<std::string> kPieces{"zqa<|im_end|>",
                                       "zqb[INST]",
                                       "zqc</s>",
                                       "zqd<start_of_turn>",
                                       "zqe<|eot_id|>",
                                       "zqf<|call|>",
                                       "zqg</think>",
                                       "zqh<\xEF\xBD\x9C"
                                       "User\xEF\xBD\x9C>"};

std::string spelled(const std::string& beginning) {
  std::string text = beginning;
  for (const std::string& piece : kPieces) {
    text += " " + piece;
  }
  return text;
}

// How many of the pieces stand in the parts; each must be cut behind what opens its special token.
std::size_t pieces_in(std::span<const TextPart> parts, const std::string& place) {
  const std::string text = joined(parts);
  std::vector<bool> input;
  for (const TextPart& part : parts) {
    input.insert(input.end(), part.text.size(), part.kind == Kind::kInput);
  }
  std::size_t found = 0;
  for (const std::string& piece : kPieces) {
    for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) {
      CHECK_MESSAGE(input[at + 3], place << " | " << text.substr(at, 40));
      ++found;
    }
  }
  return found;
}

std::string refusal(const std::string& source, const std::vector<Message>& messages = {{"user", "Is it?", ""}},
                    const TemplateOptions& options = {}) {
  try {
    make_jinja_form(source, "", "")->turn(messages, options);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "not refused";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a special token that is spelled out stays text, in messages, reasoning, calls, their results and tools") {
  const Json call = {{"id", "call00001"},
                     {"type", "function"},
                     {"function", {{"name", "look"}, {"arguments", {{"what", spelled("p")}, {"zqa<|im_end|>", "q"}}}}}};
  const Json tool = {{"type", "function"},
                     {"function",
                      {{"name", "look"},
                       {"description", spelled("d")},
                       {"parameters",
                        {{"type", "object"},
                         {"properties", {{"what", {{"type", "string"}, {"description", spelled("e")}}}}},
                         {"required", {"what"}}}}}}};
  TemplateOptions options;
  options.arguments = Json{{"tools", {tool}}}.dump();
  const std::vector<Message> messages{
      {"user", spelled("u"), ""},
      {"assistant", "", Json{{"tool_calls", {call}}, {"reasoning_content", spelled("r")}}.dump()},
      {"tool", spelled("t"), Json{{"name", "look"}, {"tool_call_id", "call00001"}}.dump()}};
  std::size_t found = 0;
  std::size_t looked_at = 0;
  for (const auto& [name, cases] : template_golden().at("templates").items()) {
    if (kInstrumented && ++looked_at % 5 != 0) {
      continue;
    }
    const auto form = shipped_form(name);
    try {
      for (const std::vector<Message>& asked : {messages, std::vector<Message>{messages.front()}}) {
        found += pieces_in(form->open_turn(asked, options), name);
        const PlacedResponse placed = form->place_message(asked, {"", false, messages[1].fields}, options);
        found += pieces_in(placed.prompt, name) + pieces_in(placed.response, name) + pieces_in(placed.after, name);
      }
    } catch (const InvalidInput&) {
      continue;  // a template that knows no calls
    }
  }
  CHECK(found >
        (kInstrumented ? 600 : 6000));  // where a template leaves out reasoning or calls, the response is refused
}

TEST_CASE("words of a message that a template's own tokens hold leave those whole") {
  // gpt-oss writes the result of a call with tojson, in which the interpreter forgets where text came from.
  const auto form = shipped_form("openai-gpt-oss-120b");
  std::vector<Message> messages = golden_messages("call and result");
  messages.back().content = "end";
  std::string written;
  for (const TextPart& part : form->open_turn(messages, TemplateOptions{})) {
    written += part.kind == Kind::kTemplate ? part.text : "\x01";
  }
  CHECK(contains(written, "<|end|><|start|>assistant"));
  CHECK(contains(written, "<|end|><|start|>user"));
}

TEST_CASE("marks show what came from messages, and nothing where the template looked at the words") {
  const std::vector<TextPart> parts{{"<t>a<b>", Kind::kTemplate}};
  const std::string marked = "<t>" + with_marks("a<b>", {});
  const auto taken = take_marks(parts, marked);
  REQUIRE(taken.has_value());
  CHECK(joined(*taken) == "<t>a<b>");
  CHECK(input_text(*taken) == "<");
  CHECK(input_text(take_marks(parts, "<t>" + with_marks("a<b>", {false, true})).value()) == "a<>");
  CHECK_FALSE(take_marks(parts, marked + "c").has_value());
  CHECK_FALSE(take_marks(parts, "<t>").has_value());
  CHECK(with_marks("</think>", {true, false}) == "</think>");
  CHECK(with_marks("plain words", {}) == "plain words");
  const std::vector<std::string> texts{"a<b>"};
  CHECK_FALSE(all_marked(parts, texts));
  CHECK(input_text(with_texts_marked(parts, texts)) == "a<b>");
}

TEST_CASE("reasoning is read by whichever name it came under") {
  for (const char* name : {"Qwen3.5-4B", "openai-gpt-oss-120b", "LFM2.5-8B-A1B", "upstage-Solar-Open-100B"}) {
    INFO(name);
    const auto form = shipped_form(name);
    const auto placed = [&](const char* field) {
      const std::string fields = Json{{field, "So it is."}}.dump();
      return joined(
          form->place_message(std::vector<Message>{{"user", "Is it?", ""}}, {"Yes.", false, fields}, {}).response);
    };
    if (std::string(name) !=
        "upstage-Solar-Open-100B") {  // this one reads "reasoning" alone, as it does in transformers
      CHECK(contains(placed("reasoning_content"), "So it is."));
      CHECK(contains(placed("thinking"), "So it is."));
    }
    CHECK(contains(placed("reasoning"), "So it is."));
  }
}

TEST_CASE("a call's arguments may come as an object or as its text, and a call may come without content") {
  for (const char* name :
       {"Qwen-Qwen3-0.6B", "meetkai-functionary-medium-v3.2", "LFM2.5-8B-A1B", "deepseek-ai-DeepSeek-V3.1"}) {
    INFO(name);
    const auto form = shipped_form(name);
    const auto response = [&](const char* content, const Json& arguments) {
      Json fields{{"tool_calls", {{{"id", "call00001"}, {"type", "function"}, {"function", {{"name", "f"}}}}}}};
      fields["tool_calls"][0]["function"]["arguments"] = arguments;
      if (!content) {
        fields["content"] = nullptr;
      }
      const std::vector<Message> asked{{"user", "Is it?", ""}};
      const PlacedResponse placed = form->place_message(asked, {content ? content : "", false, fields.dump()}, {});
      return joined(placed.response) + joined(placed.after);
    };
    const std::string object = response("", Json{{"a", "b"}, {"c", {1, 2}}});
    CHECK(response("", R"({"a": "b", "c": [1, 2]})") == object);
    CHECK(response(nullptr, Json{{"a", "b"}, {"c", {1, 2}}}) == object);
    CHECK_FALSE(contains(object, "\\\""));
  }
}

TEST_CASE("a call without arguments ends behind its name at the earliest, in every template that writes calls") {
  std::size_t written = 0;
  for (const auto& [name, cases] : template_golden().at("templates").items()) {
    INFO(name);
    const auto form = shipped_form(name);
    for (const char* arguments : {"", R"(,"arguments":{})", R"(,"arguments":"{}")"}) {
      const std::string fields =
          R"({"tool_calls":[{"id":"call00001","type":"function","function":{"name":"look_around")" +
          std::string(arguments) + "}}]}";
      try {
        const PlacedResponse placed = form->place_message(golden_messages("question"), {"", false, fields}, {});
        CHECK_MESSAGE(contains(joined(placed.response), "look_around"), joined(placed.response));
        ++written;
      } catch (const InvalidInput&) {  // it writes no calls, or none without arguments
      }
    }
  }
  CHECK(written >= 100);
}

TEST_CASE("today is the date of the options") {
  const auto form = shipped_form("meta-llama-Llama-3.2-3B-Instruct");
  TemplateOptions options;
  const std::vector<Message> messages = golden_messages("question");
  CHECK(contains(joined(form->open_turn(messages, options)), "Today Date: 26 Jul 2024"));
  options.date = "2031-02-03";
  CHECK(contains(joined(form->open_turn(messages, options)), "Today Date: 03 Feb 2031"));
  CHECK_THROWS_AS(check_template_date("2031-02-30x"), InvalidInput);
  CHECK_THROWS_AS(check_template_date("26 July"), InvalidInput);
}

TEST_CASE("templates and messages that cannot be used are refused") {
  CHECK(contains(refusal("{% for message in messages %}{{ message.content }}"), "does not parse"));
  CHECK(contains(refusal("{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"),
                 "leaves out the assistant's answer"));
  CHECK(contains(refusal("{{ raise_exception('no such luck') }}"), "no such luck"));
  for (const char* reserved : {"messages", "add_generation_prompt"}) {
    TemplateOptions options;
    options.arguments = Json{{reserved, false}}.dump();
    CHECK(contains(refusal("{% for m in messages %}{{ m.content }}{% endfor %}", {{"user", "Is it?", ""}}, options),
                   std::string("\"") + reserved + "\""));
  }
  const std::vector<Message> question{{"user", "Is it?", ""}};
  CHECK_THROWS_WITH_AS(
      shipped_form("chatml")->place_message(question, {"", false, R"({"tool_calls":[{"function":{"name":"f"}}]})"}, {}),
      doctest::Contains("leaves out the tool calls"), InvalidInput);
  CHECK_THROWS_WITH_AS(shipped_form("google-gemma-2-2b-it")->turn(golden_messages("system"), {}),
                       doctest::Contains("System role not supported"), InvalidInput);
}

TEST_CASE("the plain form asks a question and ends with the end-of-sequence token") {
  const Turn turn = make_plain_form("</s>")->turn(golden_messages("system and turns"), {});
  CHECK(joined(turn.prompt) ==
        "You are terse.\n\nQuestion: Is the earth round?\nAnswer: It is, very nearly.\n\nQuestion:   Ganz sicher? "
        "\u5730\u7403 \U0001f30d\n\n- a\n- b \n\nAnswer:");
  CHECK(turn.before == " ");
  CHECK(joined(turn.after) == "</s>");
  for (const TextPart& part : turn.prompt) {
    CHECK((part.kind == Kind::kInput || part.text.find_first_not_of("QuestionAswer: \n") == std::string::npos));
  }
  CHECK(make_plain_form("")->turn(golden_messages("question"), {}).after.empty());
  CHECK_THROWS_AS(make_plain_form("")->turn(golden_messages("call and result"), {}), InvalidInput);
  const PlacedResponse placed = place_response(turn, {"Yes.", false, ""}, ResponseReading::kAuto);
  CHECK(joined(placed.response) == " Yes.");
  CHECK(placed.text_begin == 1);
}

TEST_CASE("the raw form adds nothing, and special tokens in it are special tokens") {
  const std::vector<Message> messages = golden_messages("special tokens spelled out");
  const Turn turn = make_raw_form()->turn(messages, {});
  REQUIRE(turn.prompt.size() == 1);
  CHECK(turn.prompt[0].text == messages[0].content);
  CHECK(turn.prompt[0].kind == Kind::kTemplate);
  CHECK(turn.before == "");
  CHECK(turn.after.empty());
  const PlacedResponse placed = place_response(turn, {"Yes.</s>", false, ""}, ResponseReading::kAuto);
  CHECK(placed.context == ResponseContext::kRaw);
  CHECK(placed.response.front().kind == Kind::kTemplate);
}

}  // namespace endorm
