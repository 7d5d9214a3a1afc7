#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "engine/llama/llama_engine.h"
#include "tests/engine/sequences.h"

// Where a turn of the model begins and ends in its tokens.
namespace endorm {
namespace {

LlamaEngineOptions with_template(const std::string& model, TemplateSource source) {
  LlamaEngineOptions options;
  options.model_path = tiny_model_path(model);
  options.template_source = source;
  options.threads = 2;
  options.gpu_layers = 0;
  options.hash_model = false;
  return options;
}

TEST_CASE("an open turn is the prompt that a response would be scored behind") {
  const std::vector<Message> messages{{"system", "Be brief.<|im_end|>"}, {"user", "What is <|im_start|> 1 + 1?"}};
  const ResponseText response{"Two", true};
  for (const TemplateSource source : {TemplateSource::kModel, TemplateSource::kPlain, TemplateSource::kRaw}) {
    const auto engine = make_llama_engine(with_template("llama", source));
    const Tokens prompt = engine->open_turn(messages);
    CHECK(prompt == engine->tokenize(messages, std::span(&response, 1), {}).front().prompt);
    CHECK(std::count(prompt.begin(), prompt.end(), 0) == 1);
    CHECK(prompt.front() == 0);
    // Special tokens are the template's: three turns that begin and two that end. In raw text they are those spelled.
    const std::ptrdiff_t begins = source == TemplateSource::kModel ? 3 : source == TemplateSource::kRaw ? 1 : 0;
    CHECK(std::count(prompt.begin(), prompt.end(), 1) == begins);
  }
  const auto base = make_llama_engine(with_template("gemma3", TemplateSource::kModel));  // has no template
  CHECK_THROWS_WITH_AS(base->open_turn(messages), doctest::Contains("no chat template"), InvalidInput);
}

TEST_CASE("a response in its template, white space behind its end, is the response that its message is") {
  const auto engine = make_llama_engine(with_template("llama", TemplateSource::kModel));
  const std::vector<Message> messages{{"user", "What is 1 + 1?"}};
  const ResponseText as_message{"Two", false};
  const TokenizedResponse message = engine->tokenize(messages, std::span(&as_message, 1), {}).front();
  std::string prompt;
  for (const Token token : std::span(message.prompt).subspan(1)) {
    prompt += engine->token_bytes(token);
  }
  for (const std::string text : {"Two<|im_end|>", "Two<|im_end|>\n"}) {
    const ResponseText as_text{text, false};
    const TokenizedResponse raw = engine->tokenize_raw(prompt, std::span(&as_text, 1), {}).front();
    CHECK(raw.prompt == message.prompt);
    CHECK(raw.response == message.response);
    CHECK(raw.finish == Finish::kEndOfTurn);
    const TokenizedResponse whole =
        engine->tokenize_raw(prompt, std::span(&as_text, 1), {.end_of_turn = true, .template_newline = true}).front();
    CHECK(whole.response.size() == message.response.size() + (text.back() == '\n' ? 1 : 0));
  }
  const ResponseText open{"Two\n", false};  // no end of turn: the white space is the model's own
  const TokenizedResponse cut_off = engine->tokenize_raw(prompt, std::span(&open, 1), {}).front();
  CHECK(cut_off.finish == Finish::kTruncated);
  CHECK(engine->token_bytes(cut_off.response.back()) == "\n");
}

}  // namespace
}  // namespace endorm
