#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace endorm {

// A table for programs and for papers. A cell is empty, a text, a count or a number.
class DataTable {
 public:
  using Cell = std::variant<std::monostate, std::string, std::size_t, double>;

  explicit DataTable(std::vector<std::string> head);
  void add(std::vector<Cell> row);  // as long as the head

  // RFC 4180, with a line feed behind each line. Numbers have the digits that give the same double when they are read.
  std::string csv() const;
  // A tabular that needs no package; numbers have four digits behind the point, and columns without a cell are left
  // out.
  std::string latex() const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<Cell>> rows_;
};

// The cell of a value that may not be there.
template <typename Value>
DataTable::Cell cell_of(const std::optional<Value>& value) {
  return value ? DataTable::Cell(*value) : DataTable::Cell();
}

}  // namespace endorm
