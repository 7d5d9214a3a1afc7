#include "report/data_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "core/errors.h"
#include "report/terminal_text.h"
#include "report/text_table.h"

namespace endorm {
namespace {

using Cell = DataTable::Cell;

bool is_empty(const Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return std::holds_alternative<std::monostate>(cell) || (text != nullptr && text->empty());
}

std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char byte : text) {
    quoted += byte == '"' ? std::string("\"\"") : std::string(1, byte);
  }
  return quoted + '"';
}

std::string shortest(double value) {
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), end};
}

std::string csv_cell(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    return csv_text(*text);
  }
  if (const auto* count = std::get_if<std::size_t>(&cell)) {
    return std::to_string(*count);
  }
  const auto* number = std::get_if<double>(&cell);
  return number != nullptr ? shortest(*number) : "";
}

std::string latex_text(const std::string& text) {
  constexpr std::array<std::pair<char, std::string_view>, 3> kNamed{
      {{'\\', "\\textbackslash{}"}, {'~', "\\textasciitilde{}"}, {'^', "\\textasciicircum{}"}}};
  std::string out;
  for (const char byte : terminal_line(text)) {
    const auto* const named =
        std::find_if(kNamed.begin(), kNamed.end(), [&](const auto& each) { return each.first == byte; });
    if (named != kNamed.end()) {
      out += named->second;
    } else {
      out += std::string_view("{}$&#%_").find(byte) == std::string_view::npos ? "" : "\\";
      out += byte;
    }
  }
  return out;
}

std::string latex_cell(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    return latex_text(*text);
  }
  const auto* number = std::get_if<double>(&cell);
  if (number == nullptr) {
    return csv_cell(cell);
  }
  const std::string shown = fixed_digits(*number, 4);
  return shown[0] == '-' ? "$" + shown + "$" : shown;
}

}  // namespace

DataTable::DataTable(std::vector<std::string> head) : head_(std::move(head)) {}

void DataTable::add(std::vector<Cell> row) {
  if (row.size() != head_.size()) {
    throw InternalError("[data_table] a row of " + std::to_string(row.size()) + " cells stands under " +
                        std::to_string(head_.size()) + " names");
  }
  rows_.push_back(std::move(row));
}

std::string DataTable::csv() const {
  std::string out;
  for (std::size_t column = 0; column < head_.size(); ++column) {
    out += (column > 0 ? "," : "") + csv_text(head_[column]);
  }
  out += '\n';
  for (const std::vector<Cell>& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      out += (column > 0 ? "," : "") + csv_cell(row[column]);
    }
    out += '\n';
  }
  return out;
}

std::string DataTable::latex() const {
  std::vector<std::size_t> columns;
  std::string flush;
  std::string head;
  for (std::size_t column = 0; column < head_.size(); ++column) {
    const auto any = [&](const auto& test) {
      return std::any_of(rows_.begin(), rows_.end(), [&](const std::vector<Cell>& row) { return test(row[column]); });
    };
    if (!rows_.empty() && !any([](const Cell& cell) { return !is_empty(cell); })) {
      continue;
    }
    flush += any([](const Cell& cell) { return std::holds_alternative<std::string>(cell); }) ? 'l' : 'r';
    head += (columns.empty() ? "" : " & ") + latex_text(head_[column]);
    columns.push_back(column);
  }
  std::string out = "\\begin{tabular}{" + flush + "}\n  \\hline\n  " + head + " \\\\\n  \\hline\n";
  for (const std::vector<Cell>& row : rows_) {
    std::string line;
    for (const std::size_t column : columns) {
      line += (column == columns.front() ? "" : " & ") + latex_cell(row[column]);
    }
    out += "  " + line + " \\\\\n";
  }
  return out + "  \\hline\n\\end{tabular}\n";
}

}  // namespace endorm
