#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <span>
#include <string>
#include <vector>

namespace endorm {

// What a result file says of one record.
struct RecordScores {
  std::uint64_t key = 0;           // record_key_number of the record
  std::size_t line = 0;            // of it in the data
  bool is_pair = false;            // of two responses the first is the chosen one
  std::span<const double> scores;  // one a response; NaN where it has none
};

// One number of every response of a result file, in memory: 32 bytes a record and 8 a response.
class ScoreTable {
 public:
  // Reads the rows of `endorm score` or `endorm rank`. field: of a response, "reward" or another number of it. name:
  // what messages, in the name of `command`, call the file. Throws InvalidInput where the lines are no such rows, or no
  // response has that field.
  static ScoreTable read(std::istream& lines, const std::string& command, const std::string& name,
                         const std::string& field);

  // --map of the run that wrote the rows; empty: it had none.
  const std::string& map() const { return map_; }

  std::size_t size() const { return rows_.size(); }
  RecordScores operator[](std::size_t row) const;

 private:
  struct Row {
    std::uint64_t key;
    std::size_t line;
    std::size_t end;  // of its scores
    bool is_pair;
  };

  std::string map_;
  std::vector<Row> rows_;
  std::vector<double> scores_;
};

}  // namespace endorm
