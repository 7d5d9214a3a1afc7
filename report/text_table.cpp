#include "report/text_table.h"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

#include "report/terminal_text.h"

namespace endorm {
namespace {

// A text that Markdown shows as it is, in a cell of a table, too.
std::string markdown(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("|\\<*`[").find(c) != std::string_view::npos) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

std::string one_line(const std::string& text, TableForm form) {
  const std::string line = terminal_line(text);
  return form == TableForm::kMarkdown ? markdown(line) : line;
}

std::string markdown_row(const std::vector<std::string>& row) {
  std::string line = "|";
  for (const std::string& cell : row) {
    line += " ";
    line += markdown(cell) + " |";
  }
  return line + "\n";
}

}  // namespace

TextTable::TextTable(std::vector<std::string> head) { add(std::move(head)); }

void TextTable::add(std::vector<std::string> row) {
  for (std::string& cell : row) {
    cell = terminal_line(cell);
  }
  rows_.push_back(std::move(row));
}

std::string TextTable::text(TableForm form) const {
  std::string out;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    out += form == TableForm::kMarkdown ? markdown_row(rows_[i]) : terminal_row(rows_[i]);
    if (i == 0 && form == TableForm::kMarkdown) {
      out += "|";
      for (std::size_t column = 0; column < rows_[0].size(); ++column) {
        out += column == 0 ? "---|" : "---:|";
      }
      out += "\n";
    }
  }
  return out + "\n";
}

std::string TextTable::terminal_row(const std::vector<std::string>& row) const {
  std::string line;
  for (std::size_t column = 0; column < row.size(); ++column) {
    const std::size_t used = terminal_columns(row[column]);
    const std::string gap(width(column) - std::min(width(column), used), ' ');
    line += column == 0 ? row[column] + gap : "  " + gap + row[column];
  }
  while (!line.empty() && line.back() == ' ') {
    line.pop_back();
  }
  return line + "\n";
}

std::size_t TextTable::width(std::size_t column) const {
  std::size_t widest = 0;
  for (const std::vector<std::string>& row : rows_) {
    widest = std::max(widest, column < row.size() ? terminal_columns(row[column]) : 0);
  }
  return widest;
}

std::string table_heading(const std::string& text, TableForm form) {
  return (form == TableForm::kMarkdown ? "### " : "") + one_line(text, form) + "\n" +
         (form == TableForm::kMarkdown ? "\n" : "");
}

std::string table_note(const std::string& text, TableForm form) {
  return (form == TableForm::kMarkdown ? "- " : "note: ") + one_line(text, form) + "\n";
}

std::string fixed_digits(double value, int digits) {
  char text[400];  // as many digits as the largest double has
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  const bool zero = std::string_view(text).find_first_not_of("-0.") == std::string_view::npos;
  return zero && text[0] == '-' ? text + 1 : text;
}

std::string shown_value(const std::optional<double>& value, bool fraction) {
  return !value ? kAbsentCell : fraction ? fixed_digits(100.0 * *value, 1) : fixed_digits(*value, 3);
}

std::string shown_value(const std::optional<Interval>& interval, bool fraction) {
  return !interval ? kAbsentCell
                   : shown_value(interval->low, fraction) + " to " + shown_value(interval->high, fraction);
}

std::string shown_p_value(const std::optional<double>& value) {
  return !value ? kAbsentCell : *value < 1e-4 ? "<0.0001" : fixed_digits(*value, 4);
}

}  // namespace endorm
