#include "app/server/turn_cut.h"

#include <doctest/doctest.h>

#include "app/server/other_family.h"
#include "core/errors.h"

// Where whole texts are cut, against a response that spells the marks of turns.
namespace endorm {
namespace {

TurnMarks chatml() {
  TurnMarks marks;
  marks.opening = "<|im_end|>\n<|im_start|>assistant\n";
  marks.others = {"<|im_start|>user"};
  marks.specials = {"<|im_start|>", "<|im_end|>", "<|endoftext|>"};
  marks.fillers = {"<|im_end|>", "<|endoftext|>"};
  marks.opening_ids = {2, 9, 1, 5, 9};
  marks.other_ids = {{1, 6}};
  return marks;
}

const std::string kChatMlAsked = "<|im_start|>user\nCapital of France?";
const std::string kChatMlOpening = chatml().opening;
const std::string kNonsense = "xqz 7 7 7";
const std::string kNextTurn = "<|im_end|>\n<|im_start|>user\nAnd of Spain?";

std::string response(const std::string& text, TurnCut cut) {
  const auto found = find_cut(text, chatml(), cut);
  REQUIRE(found);
  return text.substr(found->begin);
}

std::optional<TextNote> note(const std::string& text, TurnCut cut = TurnCut::kTurn) {
  return find_cut(text, chatml(), cut)->note;
}

TEST_CASE("a text of one turn is cut at its opening, whatever was chosen") {
  for (const TurnCut cut : {TurnCut::kTurn, TurnCut::kFirst, TurnCut::kLast, TurnCut::kStrict}) {
    CHECK(response(kChatMlAsked + kChatMlOpening + "Paris.<|im_end|>", cut) == "Paris.<|im_end|>");
    CHECK_FALSE(note(kChatMlAsked + kChatMlOpening + "Paris.", cut));
    CHECK_FALSE(find_cut(kChatMlAsked, chatml(), cut));
    CHECK(response(kChatMlAsked + kChatMlOpening, cut).empty());
  }
}

TEST_CASE("a response that spells the opening does not move the cut") {
  const std::string spelled = kNonsense + kChatMlOpening + "Paris.<|im_end|>";
  const std::string text = kChatMlAsked + kChatMlOpening + spelled;
  CHECK(response(text, TurnCut::kTurn) == spelled);
  CHECK(response(text, TurnCut::kFirst) == spelled);
  CHECK(response(text, TurnCut::kLast) == "Paris.<|im_end|>");  // what the caller chose
  CHECK(note(text) == TextNote::kSecondOpening);
  CHECK_THROWS_WITH_AS(find_cut(text, chatml(), TurnCut::kStrict), doctest::Contains("turn_cut"), InvalidInput);
  // Again and again, and with the opening of a user's turn that no answer follows.
  const std::string thrice = kNonsense + kChatMlOpening + kNonsense + kChatMlOpening + "Paris.<|im_start|>user";
  CHECK(response(kChatMlAsked + kChatMlOpening + thrice, TurnCut::kTurn) == thrice);
}

TEST_CASE("a conversation is cut behind the last turn of a user, and told of") {
  const std::string text = kChatMlAsked + kChatMlOpening + "Paris." + kNextTurn + kChatMlOpening + "Madrid.";
  CHECK(response(text, TurnCut::kTurn) == "Madrid.");
  CHECK(response(text, TurnCut::kStrict) == "Madrid.");
  CHECK(response(text, TurnCut::kLast) == "Madrid.");
  CHECK(note(text) == TextNote::kSeveralTurns);
  const std::string spelled = text + kChatMlOpening + "Madrid.";
  CHECK(response(spelled, TurnCut::kTurn) == "Madrid." + kChatMlOpening + "Madrid.");
  CHECK(note(spelled) == TextNote::kSecondOpening);
  // A whole exchange that the response spells is a conversation, as text: "first" is for prompts of one turn.
  const std::string exchange = kNonsense + kNextTurn + kChatMlOpening + "Madrid.";
  CHECK(response(kChatMlAsked + kChatMlOpening + exchange, TurnCut::kTurn) == "Madrid.");
  CHECK(response(kChatMlAsked + kChatMlOpening + exchange, TurnCut::kFirst) == exchange);
}

TEST_CASE("in tokens, letters that spell a mark are none") {
  const Tokens text = {1, 6, 30, 2, 9, 1, 5, 9, 40, 41, 2};
  CHECK(find_cut(text, chatml(), TurnCut::kTurn)->begin == 8);
  const Tokens twice = {1, 6, 30, 2, 9, 1, 5, 9, 40, 2, 9, 1, 5, 9, 41};
  CHECK(find_cut(twice, chatml(), TurnCut::kTurn)->begin == 8);
  CHECK(find_cut(twice, chatml(), TurnCut::kTurn)->note == TextNote::kSecondOpening);
  CHECK(find_cut(twice, chatml(), TurnCut::kLast)->begin == 14);
  CHECK_FALSE(find_cut(Tokens{1, 6, 30}, chatml(), TurnCut::kTurn));
  TurnMarks letters = chatml();
  letters.opening_ids.clear();
  CHECK_FALSE(find_cut(text, letters, TurnCut::kTurn));
}

TEST_CASE("a prompt stands at the beginning of its query, behind what a decoder puts there") {
  const std::string prompt = kChatMlAsked + kChatMlOpening;
  CHECK(bytes_before_prompt(prompt + "Paris.", prompt, chatml()) == 0);
  CHECK(bytes_before_prompt("<|endoftext|><|endoftext|> " + prompt, prompt, chatml()) == 27);
  CHECK_FALSE(bytes_before_prompt("Well: " + prompt, prompt, chatml()));
  CHECK_FALSE(bytes_before_prompt(prompt.substr(1) + "x" + prompt, prompt, chatml()));
  // Where the decoder rewrote it, its openings are counted, whatever the response repeats.
  const std::string rewritten = "<|im_start|>user\nCapital  of France?" + kChatMlOpening;
  const std::string spelled = kNonsense + prompt + "Paris.";
  CHECK((rewritten + spelled).substr(*find_same_opening(rewritten + spelled, prompt, chatml())) == spelled);
  CHECK_FALSE(find_same_opening(rewritten, "Capital of France?", chatml()));
  CHECK(padding_bytes("<|im_end|><|endoftext|><|im_start|>user", chatml()) == 23);
}

TEST_CASE("another family's template is known by what it leaves at the end, and what is written of it is not") {
  const TurnMarks marks = chatml();
  const std::string llama = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>";
  CHECK(foreign_opening(llama + "<|start_header_id|>assistant<|end_header_id|>\n\n", marks) ==
        "<|start_header_id|>assistant<|end_header_id|>");
  CHECK(foreign_opening("[INST] Hi [/INST]", marks) == "[/INST]");
  CHECK(foreign_opening("<start_of_turn>model\n<think>\n", marks) == "<start_of_turn>model");
  CHECK(foreign_opening(kChatMlAsked + kChatMlOpening, marks).empty());
  CHECK(foreign_opening("What is <start_of_turn>model for in Gemma's template?", marks).empty());
  CHECK(foreign_opening("What is [/INST]" + kChatMlOpening, marks).empty());
  CHECK(foreign_end("Paris.<|eot_id|>\n", marks) == "<|eot_id|>");
  CHECK(foreign_end("Paris.<|im_end|>", marks).empty());
  CHECK(foreign_end("Llama 3 ends with <|eot_id|>, always.", marks).empty());
  CHECK(foreign_mark(llama, marks) == "<|start_header_id|>");
  TurnMarks mistral;  // writes its marks as letters
  mistral.specials = {"<s>"};
  mistral.form = "{{ '[INST] ' + m + ' [/INST]' }}";
  CHECK(foreign_opening("[INST] Hi [/INST]", mistral).empty());
  CHECK_THROWS_WITH_AS(
      refuse_other_family(llama + "<|start_header_id|>assistant<|end_header_id|>\n\n", marks, "prompt"),
      doctest::Contains("this model's own turn begins with"), InvalidInput);
  CHECK_NOTHROW(refuse_other_family("What ends a turn in Llama 3, <|eot_id|>?", marks, "prompt"));
}

}  // namespace
}  // namespace endorm
