#include "engine/tokenizer.h"

#include <algorithm>
#include <limits>

#include <llama.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

std::string text_of(const llama_vocab* vocab, Token token) {
  const char* text = token == LLAMA_TOKEN_NULL ? nullptr : llama_vocab_get_text(vocab, token);
  return text ? text : "";
}

bool has(const llama_vocab* vocab, Token token, llama_token_attr attribute) {
  return (llama_vocab_get_attr(vocab, token) & attribute) != 0;
}

}  // namespace

Tokenizer::Tokenizer(const llama_vocab* vocab) : vocab_(vocab) {
  const Token count = llama_vocab_n_tokens(vocab);
  real_vocabulary_ = static_cast<std::size_t>(count);
  while (real_vocabulary_ > 0 && has(vocab, static_cast<Token>(real_vocabulary_ - 1), LLAMA_TOKEN_ATTR_UNUSED) &&
         text_of(vocab, static_cast<Token>(real_vocabulary_ - 1)).starts_with("[PAD")) {
    --real_vocabulary_;
  }
  for (Token token = 0; token < count; ++token) {
    if (!has(vocab, token, LLAMA_TOKEN_ATTR_CONTROL) && !has(vocab, token, LLAMA_TOKEN_ATTR_UNKNOWN)) {
      continue;
    }
    const std::string text = text_of(vocab, token);
    if (!text.empty()) {
      special_[text.front()].emplace_back(text, token);
    }
  }
  for (auto& [first, tokens] : special_) {
    std::stable_sort(tokens.begin(), tokens.end(),
                     [](const auto& left, const auto& right) { return left.first.size() > right.first.size(); });
  }
}

const std::pair<std::string, Token>* Tokenizer::special_at(std::string_view text) const {
  const auto found = special_.find(text.front());
  if (found == special_.end()) {
    return nullptr;
  }
  const auto& candidates = found->second;
  const auto match = std::find_if(candidates.begin(), candidates.end(),
                                  [&](const auto& candidate) { return text.starts_with(candidate.first); });
  return match == candidates.end() ? nullptr : &*match;
}

std::vector<Tokenizer::Fragment> Tokenizer::split(std::span<const TextPart> parts) const {
  std::vector<Fragment> fragments;
  bool strip_next = false;  // the token before swallows the white space behind it
  const auto add_text = [&](char byte) {
    if (strip_next && kSpace.find(byte) != std::string_view::npos) {
      return;
    }
    strip_next = false;
    if (fragments.empty() || fragments.back().special) {
      fragments.push_back({});
    }
    fragments.back().text += byte;
  };
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].is_input) {
      std::for_each(parts[i].text.begin(), parts[i].text.end(), add_text);
      continue;
    }
    std::string text = parts[i].text;
    while (i + 1 < parts.size() && !parts[i + 1].is_input) {
      text += parts[++i].text;
    }
    for (std::size_t at = 0; at < text.size();) {
      const auto* special = special_at(std::string_view(text).substr(at));
      if (!special) {
        add_text(text[at++]);
        continue;
      }
      at += special->first.size();
      if (has(vocab_, special->second, LLAMA_TOKEN_ATTR_LSTRIP) && !fragments.empty() && !fragments.back().special) {
        std::string& before = fragments.back().text;
        before.erase(before.find_last_not_of(kSpace) + 1);
        if (before.empty()) {
          fragments.pop_back();
        }
      }
      fragments.push_back({true, special->second, {}});
      strip_next = has(vocab_, special->second, LLAMA_TOKEN_ATTR_RSTRIP);
    }
  }
  return fragments;
}

Tokens Tokenizer::plain_tokens(const std::string& text) const {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() / 2)) {
    throw InvalidInput("[tokenize] the text has " + std::to_string(text.size()) + " bytes, more than 1 GiB");
  }
  const auto size = static_cast<std::int32_t>(text.size());
  Tokens tokens(text.size() + 2);
  const std::int32_t count =
      llama_tokenize(vocab_, text.data(), size, tokens.data(), static_cast<std::int32_t>(tokens.size()),
                     /*add_special=*/false, /*parse_special=*/false);
  if (count < 0) {
    throw EngineError("[tokenize] the vocabulary gives more tokens than bytes: " + std::to_string(-count) + " for " +
                      std::to_string(text.size()));
  }
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

void Tokenizer::append(const Fragment& fragment, Tokens& tokens) const {
  if (fragment.special) {
    tokens.push_back(fragment.token);
    return;
  }
  const Tokens text_tokens = plain_tokens(fragment.text);
  tokens.insert(tokens.end(), text_tokens.begin(), text_tokens.end());
}

void Tokenizer::begin_with_bos(Tokens& prompt) const {
  const Token bos = llama_vocab_bos(vocab_);
  if (llama_vocab_get_add_bos(vocab_) && bos != LLAMA_TOKEN_NULL && (prompt.empty() || prompt.front() != bos)) {
    prompt.insert(prompt.begin(), bos);
  }
}

Tokens Tokenizer::tokenize_prompt(std::span<const TextPart> prompt) const {
  Tokens tokens;
  for (const Fragment& fragment : split(prompt)) {
    append(fragment, tokens);
  }
  begin_with_bos(tokens);
  return tokens;
}

TokenizedResponse Tokenizer::tokenize(const RenderedPrompt& rendered, const ResponseText& response,
                                      const TemplateOptions& options, bool response_is_raw) const {
  TokenizedResponse result;
  std::vector<Fragment> prompt = split(rendered.prompt);
  Fragment last;  // the prompt's text behind its last special token: the only part that could merge with the response
  if (!prompt.empty() && !prompt.back().special) {
    last = prompt.back();
    prompt.pop_back();
  }
  for (const Fragment& fragment : prompt) {
    append(fragment, result.prompt);
  }
  const Tokens last_tokens = last.text.empty() ? Tokens{} : plain_tokens(last.text);
  result.prompt.insert(result.prompt.end(), last_tokens.begin(), last_tokens.end());
  begin_with_bos(result.prompt);

  std::vector<TextPart> response_parts{{rendered.before, false}, {response.text, !response_is_raw}};
  if (!response.truncated && options.end_of_turn) {
    response_parts.insert(response_parts.end(), rendered.after.begin(), rendered.after.end());
  }
  std::vector<Fragment> fragments = split(response_parts);
  std::string spelled;  // the bytes that the response's tokens should spell
  for (std::size_t i = 0; i < fragments.size(); ++i) {
    const std::size_t before = result.response.size();
    append(fragments[i], result.response);
    if (i == 0 && !fragments[i].special && !last_tokens.empty()) {
      const Tokens merged = plain_tokens(last.text + fragments[i].text);
      const bool splits_here =
          merged.size() >= last_tokens.size() && std::equal(last_tokens.begin(), last_tokens.end(), merged.begin());
      if (splits_here) {
        result.response.assign(merged.begin() + static_cast<std::ptrdiff_t>(last_tokens.size()), merged.end());
      } else {
        result.boundary_split = true;
      }
    }
    for (std::size_t t = before; t < result.response.size() && fragments[i].special; ++t) {
      spelled += token_bytes(result.response[t]);
    }
    spelled += fragments[i].text;
  }

  // Behind the end-of-turn token some templates put white space, which is not the model's to write.
  std::size_t end = result.response.size();
  while (end > 0 && token_bytes(result.response[end - 1]).find_first_not_of(kSpace) == std::string::npos) {
    --end;
  }
  if (end > 0 && !response.truncated && llama_vocab_is_eog(vocab_, result.response[end - 1])) {
    result.finish = Finish::kEndOfTurn;
    if (!options.template_newline) {
      result.response.resize(end);
    }
  }
  result.byte_offsets = byte_offsets(result.response, spelled, rendered.before.size(), response.text.size());
  return result;
}

std::vector<std::size_t> Tokenizer::byte_offsets(std::span<const Token> tokens, std::string_view spelled,
                                                 std::size_t text_begin, std::size_t text_size) const {
  std::vector<std::size_t> offsets;
  std::size_t at = 0;
  std::size_t added = 0;  // a space that the vocabulary puts before the first word
  for (const Token token : tokens) {
    const std::string bytes = token_bytes(token);
    if (offsets.empty() && bytes.starts_with(' ') && !spelled.starts_with(' ')) {
      added = 1;
    }
    const std::size_t place = at < added ? 0 : at - added;
    const std::string_view expected =
        spelled.substr(std::min(place, spelled.size()), bytes.size() - (at < added ? added : 0));
    if (expected != std::string_view(bytes).substr(at < added ? added : 0)) {
      return {};  // the vocabulary rewrites text: tokens have no places in it
    }
    offsets.push_back(std::min(place < text_begin ? 0 : place - text_begin, text_size));
    at += bytes.size();
  }
  return offsets;
}

std::string Tokenizer::token_bytes(Token token) const {
  std::string bytes(64, '\0');
  std::int32_t size =
      llama_token_to_piece(vocab_, token, bytes.data(), static_cast<std::int32_t>(bytes.size()), 0, true);
  if (size < 0) {
    bytes.resize(static_cast<std::size_t>(-size));
    size = llama_token_to_piece(vocab_, token, bytes.data(), static_cast<std::int32_t>(bytes.size()), 0, true);
  }
  bytes.resize(static_cast<std::size_t>(std::max(size, 0)));
  return bytes;
}

std::string Tokenizer::bos_text() const { return text_of(vocab_, llama_vocab_bos(vocab_)); }

std::string Tokenizer::eos_text() const { return text_of(vocab_, llama_vocab_eos(vocab_)); }

}  // namespace endorm
