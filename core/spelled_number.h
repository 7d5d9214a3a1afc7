#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace endorm {

// The number that a whole text spells, as std::from_chars reads it; none where the text is anything else. form: the
// base of a whole number.
template <typename Number>
std::optional<Number> spelled_number(std::string_view text, auto... form) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, form...);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace endorm
