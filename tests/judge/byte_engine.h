#pragma once

#include <functional>
#include <string>
#include <utility>

#include "engine/tabular_engine.h"
#include "tests/score/soft_optimal_problem.h"

namespace endorm {

// A model of bytes for what stands around a model: a token is a byte, 256 ends a turn, logits are random. What it
// writes is told by the test's script, which sees the question as text; without a script it cannot write.
class ByteEngine final : public TabularEngine {
 public:
  using Script = std::function<std::string(const std::string& question, const GenerationRequest& request,
                                           const SamplingOptions& options)>;
  static constexpr std::size_t kVocabulary = 257;
  static constexpr Token kEndOfTurn = 256;

  explicit ByteEngine(Script script, std::size_t context = 0)
      : TabularEngine(kVocabulary, [](std::span<const Token> path) { return random_row(1, path, kVocabulary, 3.0); },
                      {.context = context}),
        script_(std::move(script)),
        capabilities_(TabularEngine::capabilities()) {
    capabilities_.missing_reason = script_ ? "" : "it was given no script";
  }

  const Capabilities& capabilities() const override { return capabilities_; }
  Generator* generator() override { return script_ ? this : nullptr; }

  std::vector<TokenizedResponse> tokenize(std::span<const Message> messages, std::span<const ResponseText> responses,
                                          const TemplateOptions& options) const override {
    std::vector<TokenizedResponse> tokenized;
    for (const ResponseText& response : responses) {
      TokenizedResponse& result = tokenized.emplace_back();
      result.prompt = open_turn(messages);
      result.response = bytes(response.text);
      if (options.end_of_turn && !response.truncated) {
        result.response.push_back(kEndOfTurn);
        result.finish = Finish::kEndOfTurn;
      }
      for (std::size_t i = 0; i < result.response.size(); ++i) {
        result.byte_offsets.push_back(i);
      }
    }
    return tokenized;
  }

  std::string token_bytes(Token token) const override {
    return token == kEndOfTurn ? "<end>" : std::string(1, static_cast<char>(token));
  }

  Tokens open_turn(std::span<const Message> messages, const TemplateOptions& = {}) const override {
    std::string text;
    for (const Message& message : messages) {
      text += "<" + message.role + ">" + message.content;
    }
    return bytes(text + "<assistant>");
  }

  std::size_t calls = 0;  // of generate

 private:
  void generate_each(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                     const CompletionSink& sink) override {
    ++calls;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      std::string question;
      for (const Token token : requests[i].prompt) {
        question += static_cast<char>(token);
      }
      sink(i, {{}, script_(question, requests[i], options), CompletionEnd::kEndOfTurn});
    }
  }

  static Tokens bytes(const std::string& text) {
    Tokens tokens;
    for (const char byte : text) {
      tokens.push_back(static_cast<unsigned char>(byte));
    }
    return tokens;
  }

  Script script_;
  Capabilities capabilities_;
};

}  // namespace endorm
