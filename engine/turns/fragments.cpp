#include "engine/turns/fragments.h"

#include <algorithm>

namespace endorm {

std::vector<Fragment> split(std::span<const TextPart> parts, const Vocabulary& vocabulary,
                            const TurnTokens& turn_tokens) {
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

void append(const Fragment& fragment, const Vocabulary& vocabulary, Tokens& tokens) {
  if (fragment.special) {
    tokens.push_back(fragment.token);
    return;
  }
  const Tokens text_tokens = vocabulary.plain_tokens(fragment.text);
  tokens.insert(tokens.end(), text_tokens.begin(), text_tokens.end());
}

}  // namespace endorm
