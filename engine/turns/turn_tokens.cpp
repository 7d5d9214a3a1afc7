#include "engine/turns/turn_tokens.h"

#include <algorithm>
#include <cctype>

#include "engine/medium.h"
#include "engine/turns/reasoning_blocks.h"
#include "engine/turns/turn.h"

namespace endorm {

TurnTokens::TurnTokens(const Vocabulary& vocabulary, std::string_view turn_text, std::string_view opening)
    : vocabulary_(&vocabulary) {
  std::map<Token, std::set<std::string>> followers;
  const std::string marks = reasoning_marks(opening);
  const std::size_t marks_end = turn_text.starts_with(marks) ? marks.size() : 0;
  for (std::size_t at = 0; at < turn_text.size();) {
    const auto* special = vocabulary.special_at(turn_text.substr(at));
    at += special ? special->first.size() : 1;
    if (special && vocabulary.ends_turn(special->second)) {  // what stands behind it is no part of this answer
      at = std::min(turn_text.find(kNextAnswer, at), turn_text.size());
    } else if (special) {
      tokens_.insert(special->second);
      const std::string behind = unit_at(turn_text.substr(at));
      const bool reasoning_goes_here = at < marks_end && vocabulary.special_at(turn_text.substr(at)) != nullptr;
      followers[special->second].insert(reasoning_goes_here ? std::string() : behind);
    }
  }
  for (std::size_t at = 0; at < opening.size();) {
    const auto* special = vocabulary.special_at(opening.substr(at));
    at += special ? special->first.size() : 1;
    const auto found = special ? followers.find(special->second) : followers.end();
    // Where words that were made up stand behind it, any may.
    const auto made_up = [](const std::string& unit) { return unit.empty() || unit.starts_with("EndoRM"); };
    if (found != followers.end() && std::none_of(found->second.begin(), found->second.end(), made_up)) {
      followers_[special->second] = found->second;
    }
  }
}

// What a text begins with: a special token, or the letters of a word.
std::string TurnTokens::unit_at(std::string_view text) const {
  const auto* special = text.empty() ? nullptr : vocabulary_->special_at(text);
  const auto is_letter = [](unsigned char byte) { return std::isalpha(byte); };
  const auto end = std::find_if_not(text.begin(), text.end(), is_letter);
  return special ? special->first : std::string(text.begin(), end);
}

const Vocabulary::Spelled* TurnTokens::token_at(std::string_view text) const {
  const auto* special = vocabulary_->special_at(text);
  if (!special || !tokens_.contains(special->second)) {
    return nullptr;
  }
  const auto followers = followers_.find(special->second);
  if (followers == followers_.end()) {
    return special;
  }
  const std::string_view rest = text.substr(special->first.size());
  const std::string behind = unit_at(rest);
  const bool fits = std::any_of(followers->second.begin(), followers->second.end(), [&](const std::string& follower) {
    return behind == rest ? follower.starts_with(behind) : follower == behind;  // a text may be cut off within it
  });
  return fits ? special : nullptr;
}

std::vector<Fragment> split(std::span<const TextPart> parts, const Vocabulary& vocabulary,
                            const TurnTokens& turn_tokens) {
  std::vector<Fragment> fragments;
  std::size_t media = 0;
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
    if (kind == Kind::kMedium) {
      fragments.push_back({true, medium_placeholder(media++), {}});
      strip_next = false;
      continue;
    }
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
      const auto* special = kind == Kind::kResponse ? turn_tokens.token_at(rest) : vocabulary.special_at(rest);
      if (!special) {
        add_text(text[at++]);
        continue;
      }
      at += special->first.size();
      if (vocabulary.strips_left(special->second) && !fragments.empty() && !fragments.back().special) {
        std::string& before = fragments.back().text;
        before.erase(before.find_last_not_of(kSpace) + 1);
        if (before.empty()) {
          fragments.pop_back();
        }
      }
      fragments.push_back({true, special->second, {}});
      strip_next = vocabulary.strips_right(special->second);
    }
  }
  return fragments;
}

Tokens with_media_tokens(std::span<const Token> prompt, std::span<const Tokens> media) {
  Tokens tokens;
  for (const Token token : prompt) {
    if (!is_medium(token)) {
      tokens.push_back(token);
      continue;
    }
    const Tokens& of = media[static_cast<std::size_t>(medium_placeholder(0) - token)];
    tokens.insert(tokens.end(), of.begin(), of.end());
  }
  return tokens;
}

void append(const Fragment& fragment, const Vocabulary& vocabulary, Tokens& tokens) {
  if (fragment.special) {
    tokens.push_back(fragment.token);
    return;
  }
  const Tokens text_tokens = vocabulary.plain_tokens(fragment.text);
  tokens.insert(tokens.end(), text_tokens.begin(), text_tokens.end());
}

}  // namespace endorm
