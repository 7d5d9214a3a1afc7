#include "report/terminal_text.h"

#include <string>

#include <doctest/doctest.h>

namespace endorm {
namespace {

TEST_CASE("columns of a text") {
  struct Case {
    const char* text;
    std::size_t columns;
  };
  // Python: wcwidth.wcswidth(text), save for U+1F328, on which terminals differ: it counts as its widest form.
  for (const auto& [text, columns] :
       {Case{"", 0}, Case{"plain", 5}, Case{"caf\xC3\xA9", 4}, Case{"cafe\xCC\x81", 4}, Case{"\xE9\x9B\xAA", 2},
        Case{"\xEF\xBD\xB1", 1}, Case{"\xED\x95\x9C", 2}, Case{"\xF0\x9F\x8C\xA8", 2},
        Case{"\xD8\xAB\xD9\x84\xD8\xAC", 3}, Case{"\xE2\x80\x8B", 0}, Case{"\xF0\xA0\x80\x80", 2}}) {
    INFO(text);
    CHECK(terminal_columns(text) == columns);
  }
}

TEST_CASE("a text is cut with a mark, never inside a character") {
  CHECK(terminal_line("twelve chars", 12) == "twelve chars");
  CHECK(terminal_line("twelve chars", 11) == "twelve c...");
  CHECK(terminal_line("\xE9\x9B\xAA\xE9\x9B\xAA\xE9\x9B\xAA", 6) == "\xE9\x9B\xAA\xE9\x9B\xAA\xE9\x9B\xAA");
  CHECK(terminal_line("\xE9\x9B\xAA\xE9\x9B\xAA\xE9\x9B\xAA", 5) == "\xE9\x9B\xAA...");
  CHECK(terminal_line("\xE9\x9B\xAA\xE9\x9B\xAA\xE9\x9B\xAA", 4) == "...");
  CHECK(terminal_line("\x1b\x1b", 9) == "\\u{1b}...");  // never inside what is written out
  CHECK(terminal_line("\x1b\x1b", 8) == "...");
  CHECK(terminal_line("abc", 0).empty());
}

TEST_CASE("control characters are written out, line breaks become spaces") {
  CHECK(terminal_line("a\nb\tc\r\nd") == "a b c  d");
  CHECK(terminal_line(std::string("\0", 1)) == "\\u{0}");
  CHECK(terminal_line("\x1b[31m\x07\x7f") == "\\u{1b}[31m\\u{7}\\u{7f}");
  CHECK(terminal_line("\xC2\x85\xC2\x9B") == "\\u{85}\\u{9b}");
  CHECK(terminal_line("\xE2\x80\xA8\xE2\x80\xAE\xE2\x81\xA6") == "\\u{2028}\\u{202e}\\u{2066}");
  CHECK(terminal_line("\xEF\xBB\xBFx") == "\\u{feff}x");
}

TEST_CASE("bytes that are no UTF-8 are written out") {
  CHECK(terminal_line("a\xFF"
                      "b") == "a\\xffb");
  CHECK(terminal_line("\xC0\x9B") == "\\xc0\\x9b");  // an overlong form hides no control character
  CHECK(terminal_line("\xE9\x9B") == "\\xe9\\x9b");
  CHECK(terminal_line("\xE0\x82\x9B") == "\\xe0\\x82\\x9b");
}

}  // namespace
}  // namespace endorm
