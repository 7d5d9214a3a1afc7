#include "engine/turns/vocabulary.h"

#include <algorithm>
#include <array>
#include <limits>

#include <common.h>
#include <llama.h>

#include "core/errors.h"

namespace endorm {
namespace {

// Harmony's, which libllama takes for user-defined: such tokens it finds in any text. Here they are special tokens.
constexpr std::array<std::string_view, 4> kTurnMarks = {"<|start|>", "<|message|>", "<|channel|>", "<|constrain|>"};

}  // namespace

Vocabulary::Vocabulary(const llama_vocab* vocab) : vocab_(vocab) {
  const Token count = llama_vocab_n_tokens(vocab);
  real_size_ = static_cast<std::size_t>(count);
  while (real_size_ > 0 && has(static_cast<Token>(real_size_ - 1), LLAMA_TOKEN_ATTR_UNUSED) &&
         text_of(static_cast<Token>(real_size_ - 1)).starts_with("[PAD")) {
    --real_size_;
  }
  for (Token token = 0; token < count; ++token) {
    const std::string text = text_of(token);
    const bool marks_turns = has(token, LLAMA_TOKEN_ATTR_USER_DEFINED) &&
                             std::find(kTurnMarks.begin(), kTurnMarks.end(), text) != kTurnMarks.end();
    if (!has(token, LLAMA_TOKEN_ATTR_CONTROL) && !has(token, LLAMA_TOKEN_ATTR_UNKNOWN) && !ends_turn(token) &&
        !marks_turns) {
      continue;
    }
    if (marks_turns) {
      found_in_text_.push_back(text);
    }
    if (!text.empty()) {
      special_[text.front()].emplace_back(text, token);
      if (ends_turn(token) || pads(token)) {
        ends_.emplace_back(text, token);
      }
    }
  }
  for (auto& [first, tokens] : special_) {
    std::stable_sort(tokens.begin(), tokens.end(),
                     [](const auto& left, const auto& right) { return left.first.size() > right.first.size(); });
  }
}

const Vocabulary::Spelled* Vocabulary::special_at(std::string_view text) const {
  const auto found = special_.find(text.front());
  if (found == special_.end()) {
    return nullptr;
  }
  const auto& candidates = found->second;
  const auto match = std::find_if(candidates.begin(), candidates.end(),
                                  [&](const Spelled& candidate) { return text.starts_with(candidate.first); });
  return match == candidates.end() ? nullptr : &*match;
}

std::vector<std::string> Vocabulary::specials() const {
  std::vector<std::string> texts;
  for (const auto& [first, tokens] : special_) {
    for (const auto& [text, token] : tokens) {
      texts.push_back(text);
    }
  }
  for (Token token = 0; token < llama_vocab_n_tokens(vocab_); ++token) {
    if (has(token, LLAMA_TOKEN_ATTR_USER_DEFINED)) {
      texts.push_back(text_of(token));
    }
  }
  return texts;
}

bool Vocabulary::has(Token token, int attribute) const {
  return (llama_vocab_get_attr(vocab_, token) & attribute) != 0;
}
bool Vocabulary::ends_turn(Token token) const { return llama_vocab_is_eog(vocab_, token); }
bool Vocabulary::pads(Token token) const { return token == llama_vocab_pad(vocab_); }
bool Vocabulary::begins_text(Token token) const { return token == llama_vocab_bos(vocab_); }
bool Vocabulary::strips_left(Token token) const { return has(token, LLAMA_TOKEN_ATTR_LSTRIP); }
bool Vocabulary::strips_right(Token token) const { return has(token, LLAMA_TOKEN_ATTR_RSTRIP); }

// As text a mark is cut behind its first byte, so that libllama does not find it.
Tokens Vocabulary::plain_tokens(const std::string& text) const {
  Tokens tokens;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size() && !found_in_text_.empty(); ++at) {
    const std::string_view rest = std::string_view(text).substr(at);
    if (std::any_of(found_in_text_.begin(), found_in_text_.end(),
                    [&](const std::string& mark) { return rest.starts_with(mark); })) {
      const Tokens some = unmarked_tokens(text.substr(begin, at + 1 - begin));
      tokens.insert(tokens.end(), some.begin(), some.end());
      begin = at + 1;
    }
  }
  const Tokens last = unmarked_tokens(text.substr(begin));
  tokens.insert(tokens.end(), last.begin(), last.end());
  return tokens;
}

Tokens Vocabulary::unmarked_tokens(const std::string& text) const {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() / 2)) {
    throw InvalidInput("[tokenize] the text has " + std::to_string(text.size()) + " bytes, more than 1 GiB");
  }
  const auto size = static_cast<std::int32_t>(text.size());
  Tokens tokens(text.size() + 2);
  const auto tokenize_into = [&] {
    return llama_tokenize(vocab_, text.data(), size, tokens.data(), static_cast<std::int32_t>(tokens.size()),
                          /*add_special=*/false, /*parse_special=*/false);
  };
  std::int32_t count = tokenize_into();
  if (count < 0) {  // bytes that are no UTF-8 are read as a character of three bytes
    tokens.resize(static_cast<std::size_t>(-count));
    count = tokenize_into();
  }
  if (count < 0) {
    throw EngineError("[tokenize] the vocabulary gives " + std::to_string(-count) + " tokens for " +
                      std::to_string(text.size()) + " bytes, and more each time");
  }
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

void Vocabulary::begin_with_bos(Tokens& prompt) const {
  const Token bos = llama_vocab_bos(vocab_);
  if (llama_vocab_get_add_bos(vocab_) && bos != LLAMA_TOKEN_NULL && (prompt.empty() || prompt.front() != bos)) {
    prompt.insert(prompt.begin(), bos);
  }
}

std::string Vocabulary::text_of(Token token) const {
  const char* text = token == LLAMA_TOKEN_NULL ? nullptr : llama_vocab_get_text(vocab_, token);
  return text ? text : "";
}

std::string Vocabulary::bos_text() const { return text_of(llama_vocab_bos(vocab_)); }
std::string Vocabulary::eos_text() const { return text_of(llama_vocab_eos(vocab_)); }
std::string Vocabulary::pad_text() const { return text_of(llama_vocab_pad(vocab_)); }

std::string Vocabulary::token_bytes(Token token) const { return common_token_to_piece(vocab_, token, true); }

}  // namespace endorm
