#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace endorm {

// The answer in one spelling: no $ and no \left, \right, \displaystyle, thin spaces or currency signs; \dfrac, \tfrac
// and \cfrac are \frac; Unicode signs are their TeX commands; a comma written as {,} or ,\! between digits is gone (it
// parts thousands); a full stop at the end is gone, as are braces and brackets closed more often than opened.
std::string one_spelling(std::string_view answer);

// The text without the commas that stand so that they may part thousands ("12,345").
std::string without_thousands(std::string_view text);

// Letters of ASCII, digits, white space: locale has no say.
bool is_letter(char c);
bool is_digit(char c);
bool is_space(char c);

// The letters that stand together from `place`, which is at most the text's size, on.
std::string_view letters_at(std::string_view text, std::size_t place);

std::string lower(std::string_view text);

}  // namespace endorm
