#include "engine/turns/tokenizer.h"

#include <algorithm>
#include <array>
#include <cctype>
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

// Harmony's, which libllama takes for user-defined: such tokens it finds in any text. Here they are special tokens.
constexpr std::array<std::string_view, 4> kTurnMarks = {"<|start|>", "<|message|>", "<|channel|>", "<|constrain|>"};

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
    const std::string text = text_of(vocab, token);
    const bool marks_turns = has(vocab, token, LLAMA_TOKEN_ATTR_USER_DEFINED) &&
                             std::find(kTurnMarks.begin(), kTurnMarks.end(), text) != kTurnMarks.end();
    if (!has(vocab, token, LLAMA_TOKEN_ATTR_CONTROL) && !has(vocab, token, LLAMA_TOKEN_ATTR_UNKNOWN) &&
        !ends_turn(token) && !marks_turns) {
      continue;
    }
    if (marks_turns) {
      found_in_text_.push_back(text);
    }
    if (!text.empty()) {
      special_[text.front()].emplace_back(text, token);
      if (ends_turn(token) || token == llama_vocab_pad(vocab)) {
        ends_.emplace_back(text, token);
      }
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

bool Tokenizer::ends_turn(Token token) const { return llama_vocab_is_eog(vocab_, token); }

// What a text begins with: a special token, or the letters of a word.
std::string Tokenizer::unit_at(std::string_view text) const {
  const auto* special = text.empty() ? nullptr : special_at(text);
  const auto is_letter = [](unsigned char byte) { return std::isalpha(byte); };
  const auto end = std::find_if_not(text.begin(), text.end(), is_letter);
  return special ? special->first : std::string(text.begin(), end);
}

void Tokenizer::set_turn_tokens(std::string_view turn_text, std::string_view opening) {
  turn_tokens_.clear();
  turn_followers_.clear();
  std::map<Token, std::set<std::string>> followers;
  const std::string marks = reasoning_marks(opening);
  const std::size_t marks_end = turn_text.starts_with(marks) ? marks.size() : 0;
  for (std::size_t at = 0; at < turn_text.size();) {
    const auto* special = special_at(turn_text.substr(at));
    at += special ? special->first.size() : 1;
    if (special && ends_turn(special->second)) {  // what stands behind it is no part of this answer
      at = std::min(turn_text.find(kNextAnswer, at), turn_text.size());
    } else if (special) {
      turn_tokens_.insert(special->second);
      const std::string behind = unit_at(turn_text.substr(at));
      const bool reasoning_goes_here = at < marks_end && special_at(turn_text.substr(at)) != nullptr;
      followers[special->second].insert(reasoning_goes_here ? std::string() : behind);
    }
  }
  for (std::size_t at = 0; at < opening.size();) {
    const auto* special = special_at(opening.substr(at));
    at += special ? special->first.size() : 1;
    const auto found = special ? followers.find(special->second) : followers.end();
    // Where words that were made up stand behind it, any may.
    const auto made_up = [](const std::string& unit) { return unit.empty() || unit.starts_with("EndoRM"); };
    if (found != followers.end() && std::none_of(found->second.begin(), found->second.end(), made_up)) {
      turn_followers_[special->second] = found->second;
    }
  }
}

const std::pair<std::string, Token>* Tokenizer::turn_token_at(std::string_view text) const {
  const auto* special = special_at(text);
  if (!special || !turn_tokens_.contains(special->second)) {
    return nullptr;
  }
  const auto followers = turn_followers_.find(special->second);
  if (followers == turn_followers_.end()) {
    return special;
  }
  const std::string_view rest = text.substr(special->first.size());
  const std::string behind = unit_at(rest);
  const bool fits = std::any_of(followers->second.begin(), followers->second.end(), [&](const std::string& follower) {
    return behind == rest ? follower.starts_with(behind) : follower == behind;  // a text may be cut off within it
  });
  return fits ? special : nullptr;
}

std::optional<Tokenizer::SpelledEnd> Tokenizer::spelled_end(std::string_view text) const {
  std::optional<SpelledEnd> end;
  std::size_t size = text.size();
  while (size > 0) {
    const std::size_t words = text.find_last_not_of(kSpace, size - 1) + 1;  // npos + 1 = 0
    const std::string_view before = text.substr(0, words);
    const auto last = std::max_element(ends_.begin(), ends_.end(), [&](const auto& a, const auto& b) {
      return before.ends_with(a.first) * a.first.size() < before.ends_with(b.first) * b.first.size();
    });
    if (last == ends_.end() || !before.ends_with(last->first)) {
      break;
    }
    const std::size_t begin = words - last->first.size();
    if (ends_turn(last->second)) {
      end = SpelledEnd{begin, last->second, std::string(text.substr(words, size - words))};
    }
    size = begin;
  }
  return end;
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
  using Kind = TextPart::Kind;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Kind kind = parts[i].kind;
    if (kind == Kind::kInput) {
      std::for_each(parts[i].text.begin(), parts[i].text.end(), add_text);
      continue;
    }
    std::string text = parts[i].text;
    while (i + 1 < parts.size() && parts[i + 1].kind == kind) {
      text += parts[++i].text;
    }
    for (std::size_t at = 0; at < text.size();) {
      const std::string_view rest = std::string_view(text).substr(at);
      const auto* special = kind == Kind::kResponse ? turn_token_at(rest) : special_at(rest);
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

// As text a mark is cut behind its first byte, so that libllama does not find it.
Tokens Tokenizer::plain_tokens(const std::string& text) const {
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

Tokens Tokenizer::unmarked_tokens(const std::string& text) const {
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

// Empty where a mark does not begin with a special token.
Tokens Tokenizer::mark_tokens(const std::string& mark) const {
  const TextPart part{mark};
  const std::vector<Fragment> fragments = split(std::span(&part, 1));
  Tokens tokens;
  for (const Fragment& fragment : fragments) {
    if (fragments.front().special) {
      append(fragment, tokens);
    }
  }
  return tokens;
}

void Tokenizer::spell_marks(TurnMarks& marks) const {
  for (const auto& [first, tokens] : special_) {
    for (const auto& [text, token] : tokens) {
      marks.specials.insert(text);
    }
  }
  for (Token token = 0; token < llama_vocab_n_tokens(vocab_); ++token) {
    if (has(vocab_, token, LLAMA_TOKEN_ATTR_USER_DEFINED)) {
      marks.specials.insert(text_of(vocab_, token));
    }
  }
  for (const auto& [text, token] : ends_) {
    marks.fillers.insert(text);
    if (token != llama_vocab_bos(vocab_)) {
      marks.filler_ids.insert(token);
    }
  }
  marks.opening_ids = mark_tokens(marks.opening);
  for (const std::string& other : marks.others) {
    marks.other_ids.push_back(mark_tokens(other));
  }
}

// What is scored of the text behind a finished response: the first token that ends a turn, what the template puts
// before it where the template wrote the turn, and white space behind it where that is asked for.
void Tokenizer::end_turn(const PlacedResponse& placed, const TemplateOptions& options, bool finished,
                         std::vector<Fragment>& fragments) const {
  const auto is_end = [&](const Fragment& fragment) { return fragment.special && ends_turn(fragment.token); };
  std::vector<Fragment> after = split(placed.after);
  auto end = std::find_if(after.begin(), after.end(), is_end);
  if (end == after.end()) {
    // The template ends a turn only where another follows, or not at all.
    if (!after.empty() && !after.back().special) {
      std::string& last = after.back().text;
      last.erase(last.find_last_not_of(kSpace) + 1);
    }
    std::erase_if(after, [](const Fragment& fragment) { return !fragment.special && fragment.text.empty(); });
    const std::size_t written = after.size();
    const std::vector<TextPart> behind{{placed.next, TextPart::Kind::kTemplate}};
    const std::vector<Fragment> next = split(behind);
    const auto next_end = std::find_if(next.begin(), next.end(), is_end);
    after.insert(after.end(), next_end, std::min(next_end + (next_end == next.end() ? 0 : 1), next.end()));
    end = after.begin() + static_cast<std::ptrdiff_t>(written);
  }
  for (auto fragment = placed.whole_after ? after.begin() : end; fragment != end; ++fragment) {
    if (!fragment->special && !fragments.empty() && !fragments.back().special) {
      fragments.back().text += fragment->text;
    } else {
      fragments.push_back(*fragment);
    }
  }
  if (end == after.end() || !finished) {
    return;
  }
  fragments.push_back(*end);
  if (options.template_newline && end + 1 != after.end() && !(end + 1)->special &&
      (end + 1)->text.find_first_not_of(kSpace) == std::string::npos) {
    fragments.push_back(*(end + 1));
  }
}

// Throws where the template writes a message as several turns.
void Tokenizer::check_one_turn(std::span<const Fragment> fragments) const {
  for (const Fragment& fragment : fragments) {
    if (fragment.special && ends_turn(fragment.token)) {
      throw InvalidInput(
          "[tokenize] the template writes this message as more than one turn: " + text_of(vocab_, fragment.token) +
          " stands within it. Give it as two messages, or the response as text or as token ids.");
    }
  }
}

TokenizedResponse Tokenizer::tokenize(const PlacedResponse& placed, bool truncated,
                                      const TemplateOptions& options) const {
  TokenizedResponse result;
  result.context = placed.context;
  std::vector<Fragment> prompt = split(placed.prompt);
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

  const std::string text = joined(placed.response);
  const std::optional<SpelledEnd> spelled = placed.is_message ? std::nullopt : spelled_end(text);
  std::vector<Fragment> fragments = split(spelled ? slice(placed.response, 0, spelled->text_size) : placed.response);
  if (spelled) {
    result.spelled_end = true;
    if (options.end_of_turn) {
      fragments.push_back({true, spelled->token, {}});
      if (options.template_newline && !spelled->space.empty()) {
        fragments.push_back({false, 0, spelled->space});
      }
    }
  } else if (placed.is_message || (!truncated && options.end_of_turn)) {
    if (placed.is_message) {
      check_one_turn(fragments);
    }
    end_turn(placed, options, !truncated && options.end_of_turn, fragments);
  }
  std::string bytes;     // that the response's tokens should spell
  std::string own_text;  // of a message: all that precedes the token that ends it
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
      bytes += token_bytes(result.response[t]);
    }
    bytes += fragments[i].text;
    own_text = result.finish == Finish::kEndOfTurn || (fragments[i].special && ends_turn(fragments[i].token)) ? own_text
                                                                                                              : bytes;
    if (fragments[i].special && ends_turn(fragments[i].token)) {
      result.finish = i + 2 >= fragments.size() ? Finish::kEndOfTurn : result.finish;
    }
  }
  const std::size_t text_size = placed.is_message ? own_text.size() : text.size() - placed.text_begin;
  result.byte_offsets = byte_offsets(result.response, bytes, placed.text_begin, text_size);
  for (std::size_t& offset : result.byte_offsets) {
    offset += placed.text_offset;
  }
  if (placed.is_message) {
    result.text = std::move(own_text);
  }
  return result;
}

TokenizedResponse Tokenizer::of_tokens(Tokens prompt, Tokens response) const {
  TokenizedResponse result;
  const auto is_end = [&](Token token) { return ends_turn(token) || token == llama_vocab_pad(vocab_); };
  std::size_t size = response.size();
  std::size_t end = size;  // where the first of the tokens at the end that end a turn stands
  while (size > 0 && is_end(response[size - 1])) {
    --size;
    end = ends_turn(response[size]) ? size : end;
  }
  if (end < response.size()) {
    response.resize(end + 1);
    result.finish = Finish::kEndOfTurn;
  }
  for (std::size_t i = 0; i < response.size(); ++i) {
    result.byte_offsets.push_back(result.text.size());
    result.text += i < end ? token_bytes(response[i]) : "";
  }
  result.context = ResponseContext::kTokens;
  result.prompt = std::move(prompt);
  result.response = std::move(response);
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
