#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "score/input_bytes.h"
#include "score/record_input.h"

namespace endorm {

// The separator of a table whose first line this is: a tab, a comma or a semicolon between names, at least two; none
// where the line is no such list.
std::optional<char> table_separator(std::string_view first_line);

// Separated values with a line of names, by RFC 4180: quotes hold separators, line ends and doubled quotes. A row is a
// record with the names of its columns; an empty cell without quotes is none, turns and the lists of columns that hold
// lists are read as JSON, any other cell is a text ("truncated" is true or false in any case). Memory is one row and a
// block.
class TableReader : public RecordInput {
 public:
  // Throws InvalidInput where two columns have one name.
  TableReader(std::unique_ptr<InputBytes> bytes, char separator, std::size_t limit = kDefaultLimit);

  std::optional<InputLine> next() override;
  std::size_t bytes_used() const override { return bytes_->used(); }

 private:
  struct Cell {
    std::string text;
    bool quoted = false;
  };
  struct Row {
    std::size_t line = 0;
    std::vector<Cell> cells;
    std::string error;  // why it is none
  };

  std::optional<Row> read_row();
  InputLine record_of(const Row& row) const;

  std::unique_ptr<InputBytes> bytes_;
  char separator_;
  std::size_t limit_;
  std::size_t line_ = 1;
  std::vector<std::string> names_;
};

}  // namespace endorm
