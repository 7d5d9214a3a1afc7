#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/token_tree.h"

struct llama_vocab;

namespace endorm {

// A vocabulary of libllama: its special tokens by their spelling, plain text to tokens, tokens to bytes. Keeps a
// reference to what it reads, which must outlive it. Thread-safe.
class Vocabulary {
 public:
  // A token as it is spelled.
  using Spelled = std::pair<std::string, Token>;

  explicit Vocabulary(const llama_vocab* vocab);

  // The longest special token that a text, which is not empty, begins with; nullptr where it begins with none.
  const Spelled* special_at(std::string_view text) const;
  // All of them, those included that libllama makes of any text, in no order.
  std::vector<std::string> specials() const;
  // Tokens that end a turn, and the one that pads behind it.
  const std::vector<Spelled>& ends() const { return ends_; }

  bool ends_turn(Token token) const;
  bool pads(Token token) const;
  bool begins_text(Token token) const;
  bool strips_left(Token token) const;   // it swallows the white space before it
  bool strips_right(Token token) const;  // and behind it

  // Text in which nothing is a special token. Throws InvalidInput where it is longer than libllama takes.
  Tokens plain_tokens(const std::string& text) const;
  // Puts BOS in front where the vocabulary asks for it and it does not stand there.
  void begin_with_bos(Tokens& prompt) const;

  // The spelling of a special token; empty where there is no such token.
  std::string text_of(Token token) const;
  std::string bos_text() const;
  std::string eos_text() const;
  std::string pad_text() const;
  // Special tokens are spelled out.
  std::string token_bytes(Token token) const;

  // Tokens before the trailing padding columns of the output layer, if any: what a log-sum-exp runs over.
  std::size_t real_size() const { return real_size_; }

 private:
  bool has(Token token, int attribute) const;
  Tokens unmarked_tokens(const std::string& text) const;

  const llama_vocab* vocab_;
  std::size_t real_size_ = 0;
  std::unordered_map<char, std::vector<Spelled>> special_;  // by first byte, longest first
  std::vector<std::string> found_in_text_;                  // of special_, those that libllama would find in any text
  std::vector<Spelled> ends_;
};

}  // namespace endorm
