#include "report/terminal_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <utility>

#include "core/utf8.h"

namespace endorm {
namespace {

using Range = std::pair<char32_t, char32_t>;

// Combining marks, joiners, variation selectors and emoji modifiers, after the general categories Mn, Me and Cf.
constexpr std::array<Range, 24> kZeroWidth{{
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},   {0x06D6, 0x06DC},
    {0x0900, 0x0902}, {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D}, {0x0E31, 0x0E31},   {0x0E34, 0x0E3A},
    {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200D}, {0x2060, 0x2060},   {0x20D0, 0x20FF},
    {0x302A, 0x302D}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0x1F3FB, 0x1F3FF}, {0xE0100, 0xE01EF},
}};

// East Asian Width W and F, and emoji that are shown as pictures.
constexpr std::array<Range, 18> kWide{{
    {0x1100, 0x115F},
    {0x231A, 0x231B},
    {0x23E9, 0x23EC},
    {0x25FD, 0x25FE},
    {0x2614, 0x2615},
    {0x26A1, 0x26A1},
    {0x2705, 0x2705},
    {0x2728, 0x2728},
    {0x274C, 0x274E},
    {0x2753, 0x2755},
    {0x2E80, 0x303E},
    {0x3041, 0x33FF},
    {0x3400, 0xA4CF},
    {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},
    {0xFF01, 0xFF60},
    {0xFFE0, 0xFFE6},
}};

template <std::size_t kSize>
bool within(const std::array<Range, kSize>& ranges, char32_t character) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return range.first <= character && character <= range.second; });
}

std::size_t columns_of(char32_t character) {
  if (within(kZeroWidth, character)) {
    return 0;
  }
  const bool beyond = (character >= 0x1F300 && character <= 0x1FAFF) || (character >= 0x20000 && character <= 0x3FFFD);
  return beyond || within(kWide, character) ? 2 : 1;
}

// C0, DEL, C1, the marks and overrides of reading direction, line and paragraph separator, byte order mark, tags.
bool steers(char32_t character) {
  return character < 0x20 || (character >= 0x7F && character <= 0x9F) || character == 0x061C || character == 0x200E ||
         character == 0x200F || (character >= 0x2028 && character <= 0x202E) ||
         (character >= 0x2066 && character <= 0x206F) || character == 0xFEFF ||
         (character >= 0xFFF9 && character <= 0xFFFB) || (character >= 0xE0000 && character <= 0xE007F);
}

// The code point of one whole character.
char32_t code_point(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  char32_t point = character.size() == 1 ? byte(0) : byte(0) & (0xFFU >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) {
    point = (point << 6) | (byte(i) & 0x3FU);
  }
  return point;
}

std::string written_out(const char* format, unsigned value) {
  char text[24];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// How a character, or a run of bytes that is none, is shown.
std::string shown(std::string_view bytes, Utf8 state) {
  if (state != Utf8::kComplete) {
    std::string all;
    for (const char byte : bytes) {
      all += written_out("\\x%02x", static_cast<unsigned char>(byte));
    }
    return all;
  }
  const char32_t point = code_point(bytes);
  if (point == '\n' || point == '\t' || point == '\r') {
    return " ";
  }
  return steers(point) ? written_out("\\u{%x}", static_cast<unsigned>(point)) : std::string(bytes);
}

}  // namespace

std::string terminal_line(std::string_view text, std::size_t width) {
  constexpr std::string_view kMark = "...";
  const std::size_t room = width > kMark.size() ? width - kMark.size() : 0;  // for the text when it is cut
  std::string line;
  std::size_t columns = 0;
  std::size_t cut = 0;  // bytes of the line that leave room for the mark
  while (!text.empty()) {
    const Utf8Character next = first_utf8_character(text);
    const std::string piece = shown(text.substr(0, next.bytes), next.state);
    columns += terminal_columns(piece);
    if (columns > width) {
      return line.substr(0, cut) + std::string(kMark.substr(0, width));
    }
    line += piece;
    text.remove_prefix(next.bytes);
    if (columns <= room) {
      cut = line.size();
    }
  }
  return line;
}

std::string terminal_line(std::string_view text) {
  return terminal_line(text, std::numeric_limits<std::size_t>::max());
}

std::size_t terminal_columns(std::string_view line) {
  std::size_t columns = 0;
  while (!line.empty()) {
    const std::size_t bytes = first_utf8_character(line).bytes;
    columns += columns_of(code_point(line.substr(0, bytes)));
    line.remove_prefix(bytes);
  }
  return columns;
}

std::string counted(std::size_t count, std::string_view one) {
  return std::to_string(count) + " " + std::string(one) + (count == 1 ? "" : "s");
}

}  // namespace endorm
