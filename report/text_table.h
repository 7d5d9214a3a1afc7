#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "eval/statistics.h"

namespace endorm {

enum class TableForm { kTerminal, kMarkdown };

// Cells as text; the first column is flush left, the others right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head);
  void add(std::vector<std::string> row);
  // With an empty line behind it.
  std::string text(TableForm form) const;

 private:
  std::string terminal_row(const std::vector<std::string>& row) const;
  std::size_t width(std::size_t column) const;

  std::vector<std::vector<std::string>> rows_;
};

// The line above a table, and one sentence below all of them.
std::string table_heading(const std::string& text, TableForm form);
std::string table_note(const std::string& text, TableForm form);

inline constexpr const char* kAbsentCell = "-";

// Numbers in cells, by the rules of the pages (page_base.js, tables.js): a fraction in percent with one digit, another
// number with three; what rounds to zero has no sign; kAbsentCell where there is none.
std::string fixed_digits(double value, int digits);
std::string shown_value(const std::optional<double>& value, bool fraction);
std::string shown_value(const std::optional<Interval>& interval, bool fraction);
std::string shown_p_value(const std::optional<double>& value);

}  // namespace endorm
