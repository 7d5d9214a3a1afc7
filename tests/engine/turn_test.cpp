// Where a response is read in its turn (docs/turns.md), by the kind of the template.

#include "engine/turns/turn.h"

#include <doctest/doctest.h>

#include "core/errors.h"
#include "tests/engine/shipped_templates.h"

namespace endorm {
namespace {

const std::vector<Message> kQuestion{{"user", "Is the earth round?", ""}};

struct Read {
  std::string prompt;
  std::string response;
  std::string after;
  std::size_t text_offset = 0;
  ResponseContext context = ResponseContext::kAsDrawn;
};

Read read(const std::string& name, const std::string& text, bool truncated = false,
          ResponseReading reading = ResponseReading::kAuto) {
  const Turn turn = shipped_form(name)->turn(kQuestion, TemplateOptions{});
  const PlacedResponse placed = place_response(turn, {text, truncated, ""}, reading);
  return {joined(placed.prompt), joined(placed.response), joined(placed.after), placed.text_offset, placed.context};
}

// Templates whose generation prompt opens a block: the name, what the prompt ends with, and with what the template ends
// what stands before an answer alone.
struct BlockTemplate {
  const char* name;
  const char* opener;
  const char* closer;
  const char* answer_behind;
};

constexpr BlockTemplate kBlocks[] = {
    {"Qwen3.5-4B", "<think>\n", "</think>", "<|im_start|>assistant\n<think>\n\n</think>\n\n"},
    {"llama-cpp-deepseek-r1", "<think>\n", "</think>",
     "<\xEF\xBD\x9C"
     "Assistant\xEF\xBD\x9C>"},
    {"Cohere2MoE", "<|START_THINKING|>", "<|END_THINKING|>", "<|CHATBOT_TOKEN|><|START_TEXT|>"},
    {"Kimi-K3", "<|open|>think<|sep|>", "<|close|>think<|sep|>",
     "<|open|>think<|sep|><|close|>think<|sep|><|open|>response<|sep|>"},
    {"Apriel-1.6-15b-Thinker-fixed", "Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]",
     "<|begin_assistant|>\n"},
};

TEST_CASE("an argument of a call that is called reasoning is none of the message's own") {
  const std::vector<Message> question{{"user", "Is it?", ""}};
  const auto form = shipped_form("Qwen3.5-4B");
  const auto context_with = [&](const std::string& argument) {
    const std::string call = R"({"tool_calls":[{"type":"function","function":{"name":"look","arguments":{")" + argument;
    return form->place_message(question, {"", false, call + R"(":"x"}}}]})"}, {}).context;
  };
  for (const char* argument : {"what", "reasoning", "reasoning_content", "thinking"}) {
    CAPTURE(argument);
    CHECK(context_with(argument) == ResponseContext::kClosedByTemplate);
  }
}

}  // namespace

TEST_CASE("behind an open block a response is read as drawn, and an answer alone where the template puts one") {
  for (const BlockTemplate& block : kBlocks) {
    INFO(block.name);
    const std::string opener = block.opener;
    const std::string closed = std::string("It is.\n") + block.closer + "\n\nYes.";
    const Read drawn = read(block.name, closed);
    CHECK(drawn.context == ResponseContext::kAsDrawn);
    CHECK(drawn.prompt.ends_with(opener));
    CHECK(drawn.response == closed);

    // With the opener that the prompt already wrote: read once.
    const Read twice = read(block.name, opener + closed);
    CHECK(twice.prompt == drawn.prompt);
    CHECK(twice.response == closed);
    CHECK(twice.text_offset == opener.size());

    // Empty, and cut off inside.
    CHECK(read(block.name, block.closer + std::string("Yes.")).prompt == drawn.prompt);
    CHECK(read(block.name, opener + "It").prompt == drawn.prompt);
    const Read cut = read(block.name, "It is", true);
    CHECK(cut.prompt == drawn.prompt);
    CHECK(cut.context == ResponseContext::kAsDrawn);
    CHECK(cut.response == "It is");

    const Read alone = read(block.name, "Yes.");
    CHECK(alone.context == ResponseContext::kClosedByTemplate);
    CHECK(alone.prompt.ends_with(block.answer_behind));
    CHECK(alone.response == "Yes.");

    // What the caller says of a text overrides.
    CHECK(read(block.name, "Yes.", false, ResponseReading::kAsDrawn).prompt == drawn.prompt);
    CHECK(read(block.name, opener + closed, false, ResponseReading::kAsDrawn).response == opener + closed);
    CHECK(read(block.name, "Yes.", true, ResponseReading::kAnswer).prompt == alone.prompt);
  }
}

TEST_CASE("an answer without its channel's header is read behind the header, one that brings a channel as drawn") {
  struct Header {
    const char* name;
    const char* header;
    const char* own;
  };
  for (const Header& with :
       {Header{"openai-gpt-oss-120b", "<|channel|>final<|message|>",
               "<|channel|>analysis<|message|>It is.<|end|><|start|>assistant<|channel|>final"},
        Header{"CohereForAI-c4ai-command-r7b-12-2024-tool_use", "<|START_RESPONSE|>", "<|START_RESPONSE|>Yes."},
        Header{"muse-glimmer", " to=user<|message|>", " to=self<|message|>It is.<|eom|>"}}) {
    INFO(with.name);
    const Read alone = read(with.name, "Yes.");
    CHECK(alone.context == ResponseContext::kClosedByTemplate);
    CHECK(alone.prompt.ends_with(with.header));
    const Read drawn = read(with.name, with.own);
    CHECK(drawn.context == ResponseContext::kAsDrawn);
    if (!std::string(with.name).starts_with("Cohere")) {  // it ends its prompt with an empty block of reasoning
      CHECK(drawn.prompt + with.header == alone.prompt);
    }
    CHECK(drawn.response == with.own);
    CHECK(read(with.name, "Yes.", true).prompt == drawn.prompt);
    // An answer alone that brings the header has it once.
    const Read brought = read(with.name, with.header + std::string("Yes."), false, ResponseReading::kAnswer);
    CHECK(brought.prompt == alone.prompt);
    CHECK(brought.response == "Yes.");
  }
}

TEST_CASE("where the prompt opens nothing every text is read as drawn, nothing put between") {
  for (const char* name : {"chatml", "SmolLM2 (own)", "Qwen-Qwen3-0.6B", "meta-llama-Llama-3.1-8B-Instruct",
                           "microsoft-Phi-3.5-mini-instruct", "mistralai-Mistral-Nemo-Instruct-2407"}) {
    INFO(name);
    const std::string prompt = joined(shipped_form(name)->open_turn(kQuestion, TemplateOptions{}));
    for (const char* text :
         {"Yes.", " Yes.", "\n", "<think>\nIt is.\n</think>\n\nYes.", "</think>Yes.", "<|im_end|>"}) {
      const Read drawn = read(name, text);
      CHECK(drawn.context == ResponseContext::kAsDrawn);
      CHECK(drawn.prompt == prompt);
      CHECK(drawn.response == text);
      CHECK(drawn.text_offset == 0);
    }
  }
  // Qwen3 closes an empty block before an answer of a finished turn: where that is what a text is, the caller says so.
  CHECK(read("Qwen-Qwen3-0.6B", "Yes.", false, ResponseReading::kAnswer).prompt.ends_with("<think>\n\n</think>\n\n"));
}

TEST_CASE("an answer is read behind the prompt that was seen, where the finished turn rewrites what precedes it") {
  TemplateOptions options;
  const auto nemo = shipped_form("mistralai-Mistral-Nemo-Instruct-2407");
  const Turn turn = nemo->turn(golden_messages("system"), options);
  CHECK(joined(turn.prompt) == "<BOS>[INST]You are terse.\n\nIs the earth round?[/INST]");
  CHECK_FALSE(turn.finished.has_value());
  CHECK(joined(turn.after) == "<EOS>");

  // gpt-oss drops earlier reasoning once an answer is there; the model saw it.
  const auto harmony = shipped_form("openai-gpt-oss-120b");
  const std::vector<Message> messages = golden_messages("reasoning, call and result");
  options.arguments = template_golden().at("cases").at("reasoning, call and result").at("arguments").dump();
  const std::string asked = joined(harmony->open_turn(messages, options));
  REQUIRE(asked.find("I know <it>.") != std::string::npos);
  const PlacedResponse alone =
      place_response(harmony->turn(messages, options), {"Yes.", false, ""}, ResponseReading::kAuto);
  CHECK(joined(alone.prompt) == asked + "<|channel|>final<|message|>");
  const PlacedResponse message =
      harmony->place_message(messages, {"Yes.", false, R"({"reasoning_content":"So."})"}, options);
  CHECK(joined(message.prompt) == asked);
  CHECK(joined(message.response) ==
        "<|channel|>analysis<|message|>So.<|end|><|start|>assistant<|channel|>final<|message|>Yes.");
  CHECK(joined(message.after) == "<|return|>");
}

TEST_CASE("a prompt that ends with the model's own message is continued") {
  std::vector<Message> messages = kQuestion;
  messages.push_back({"assistant", "It is, ", ""});
  const Turn kept = shipped_form("chatml")->turn(messages, TemplateOptions{});
  CHECK(joined(kept.prompt).ends_with("<|im_start|>assistant\nIt is, "));
  const PlacedResponse placed = place_response(kept, {"very nearly.", false, ""}, ResponseReading::kAuto);
  CHECK(placed.context == ResponseContext::kContinued);
  CHECK(joined(placed.response) == "very nearly.");
  CHECK(joined(placed.after) == "<|im_end|>\n");
  // A template that strips messages wrote no space.
  const Turn stripping = shipped_form("meta-llama-Llama-3.1-8B-Instruct")->turn(messages, TemplateOptions{});
  CHECK(joined(stripping.prompt).ends_with("<|end_header_id|>\n\nIt is,"));
}

}  // namespace endorm
