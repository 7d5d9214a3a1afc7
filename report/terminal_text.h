#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace endorm {

// A text on one line of a terminal, at most `width` columns wide; what is longer ends in "...". Line breaks and tabs
// become spaces. Control characters and those that turn the reading direction are written out as \u{1b}, so that a text
// cannot steer the terminal. Wide characters (East Asian, emoji) take two columns, combining ones none.
std::string terminal_line(std::string_view text, std::size_t width);

// The same without a limit.
std::string terminal_line(std::string_view text);

// Columns that a line made by terminal_line takes.
std::size_t terminal_columns(std::string_view line);

// "1 record", "2 records".
std::string counted(std::size_t count, std::string_view one);

}  // namespace endorm
