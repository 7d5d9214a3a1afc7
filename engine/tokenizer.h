#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/chat_template.h"
#include "engine/engine.h"

struct llama_vocab;

namespace endorm {

// Text parts to tokens of one vocabulary. Special tokens are recognised in what a template wrote, never in what a user
// wrote. Keeps a reference to the vocabulary, which must outlive it. Thread-safe.
class Tokenizer {
 public:
  explicit Tokenizer(const llama_vocab* vocab);

  // Prompt and response as tokens; BOS stands once at the start where the vocabulary asks for it.
  TokenizedResponse tokenize(const RenderedPrompt& rendered, const ResponseText& response,
                             const TemplateOptions& options, bool response_is_raw) const;

  // A prompt alone, BOS as in tokenize().
  Tokens tokenize_prompt(std::span<const TextPart> prompt) const;

  std::string token_bytes(Token token) const;
  // Tokens before the trailing padding columns of the output layer, if any: what a log-sum-exp runs over.
  std::size_t real_vocabulary() const { return real_vocabulary_; }
  std::string bos_text() const;
  std::string eos_text() const;

 private:
  // Either one special token or a run of text between them.
  struct Fragment {
    bool special = false;
    Token token = 0;
    std::string text;
  };

  std::vector<Fragment> split(std::span<const TextPart> parts) const;
  const std::pair<std::string, Token>* special_at(std::string_view text) const;
  void append(const Fragment& fragment, Tokens& tokens) const;
  void begin_with_bos(Tokens& prompt) const;
  Tokens plain_tokens(const std::string& text) const;
  std::vector<std::size_t> byte_offsets(std::span<const Token> tokens, std::string_view spelled, std::size_t text_begin,
                                        std::size_t text_size) const;

  const llama_vocab* vocab_;
  std::size_t real_vocabulary_ = 0;
  std::unordered_map<char, std::vector<std::pair<std::string, Token>>> special_;  // by first byte, longest first
};

}  // namespace endorm
