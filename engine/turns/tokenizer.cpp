#include "engine/turns/tokenizer.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"

namespace endorm {

void Tokenizer::set_turn_tokens(std::string_view turn_text, std::string_view opening) {
  turn_tokens_ = TurnTokens(vocabulary_, turn_text, opening);
}

std::vector<Fragment> Tokenizer::split(std::span<const TextPart> parts) const {
  return endorm::split(parts, vocabulary_, turn_tokens_);
}

std::optional<Tokenizer::SpelledEnd> Tokenizer::spelled_end(std::string_view text) const {
  const std::vector<Vocabulary::Spelled>& ends = vocabulary_.ends();
  std::optional<SpelledEnd> end;
  std::size_t size = text.size();
  while (size > 0) {
    const std::size_t words = text.find_last_not_of(kSpace, size - 1) + 1;  // npos + 1 = 0
    const std::string_view before = text.substr(0, words);
    const auto last = std::max_element(ends.begin(), ends.end(), [&](const auto& a, const auto& b) {
      return before.ends_with(a.first) * a.first.size() < before.ends_with(b.first) * b.first.size();
    });
    if (last == ends.end() || !before.ends_with(last->first)) {
      break;
    }
    const std::size_t begin = words - last->first.size();
    if (vocabulary_.ends_turn(last->second)) {
      end = SpelledEnd{begin, last->second, std::string(text.substr(words, size - words))};
    }
    size = begin;
  }
  return end;
}

Tokens Tokenizer::tokenize_prompt(std::span<const TextPart> prompt) const {
  Tokens tokens;
  for (const Fragment& fragment : split(prompt)) {
    append(fragment, vocabulary_, tokens);
  }
  vocabulary_.begin_with_bos(tokens);
  return tokens;
}

// Empty where a mark does not begin with a special token.
Tokens Tokenizer::mark_tokens(const std::string& mark) const {
  const TextPart part{mark};
  const std::vector<Fragment> fragments = split(std::span(&part, 1));
  Tokens tokens;
  for (const Fragment& fragment : fragments) {
    if (fragments.front().special) {
      append(fragment, vocabulary_, tokens);
    }
  }
  return tokens;
}

void Tokenizer::spell_marks(TurnMarks& marks) const {
  for (std::string& text : vocabulary_.specials()) {
    marks.specials.insert(std::move(text));
  }
  for (const auto& [text, token] : vocabulary_.ends()) {
    marks.fillers.insert(text);
    if (!vocabulary_.begins_text(token)) {
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
  const auto is_end = [&](const Fragment& fragment) {
    return fragment.special && vocabulary_.ends_turn(fragment.token);
  };
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
    if (fragment.special && vocabulary_.ends_turn(fragment.token)) {
      throw InvalidInput(
          "[tokenize] the template writes this message as more than one turn: " + vocabulary_.text_of(fragment.token) +
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
    append(fragment, vocabulary_, result.prompt);
  }
  const Tokens last_tokens = last.text.empty() ? Tokens{} : vocabulary_.plain_tokens(last.text);
  result.prompt.insert(result.prompt.end(), last_tokens.begin(), last_tokens.end());
  vocabulary_.begin_with_bos(result.prompt);

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
    append(fragments[i], vocabulary_, result.response);
    if (i == 0 && !fragments[i].special && !last_tokens.empty()) {
      const Tokens merged = vocabulary_.plain_tokens(last.text + fragments[i].text);
      const bool splits_here =
          merged.size() >= last_tokens.size() && std::equal(last_tokens.begin(), last_tokens.end(), merged.begin());
      if (splits_here) {
        result.response.assign(merged.begin() + static_cast<std::ptrdiff_t>(last_tokens.size()), merged.end());
      } else {
        result.boundary_split = true;
      }
    }
    for (std::size_t t = before; t < result.response.size() && fragments[i].special; ++t) {
      bytes += vocabulary_.token_bytes(result.response[t]);
    }
    bytes += fragments[i].text;
    own_text =
        result.finish == Finish::kEndOfTurn || (fragments[i].special && vocabulary_.ends_turn(fragments[i].token))
            ? own_text
            : bytes;
    if (fragments[i].special && vocabulary_.ends_turn(fragments[i].token)) {
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
  const auto is_end = [&](Token token) { return vocabulary_.ends_turn(token) || vocabulary_.pads(token); };
  std::size_t size = response.size();
  std::size_t end = size;  // where the first of the tokens at the end that end a turn stands
  while (size > 0 && is_end(response[size - 1])) {
    --size;
    end = vocabulary_.ends_turn(response[size]) ? size : end;
  }
  if (end < response.size()) {
    response.resize(end + 1);
    result.finish = Finish::kEndOfTurn;
  }
  for (std::size_t i = 0; i < response.size(); ++i) {
    result.byte_offsets.push_back(result.text.size());
    result.text += i < end ? vocabulary_.token_bytes(response[i]) : "";
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
    const std::string bytes = vocabulary_.token_bytes(token);
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

}  // namespace endorm
