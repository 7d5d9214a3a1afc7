#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "score/growing_record.h"
#include "score/input_bytes.h"
#include "score/record_input.h"

namespace endorm {

// The values of one JSON array, or JSON values one behind the other, whatever lines they take. Where each begins and
// ends is told by its brackets and quotes alone, so that one that is no JSON costs itself. Memory is one value and a
// block.
class JsonValueReader : public RecordInput {
 public:
  explicit JsonValueReader(std::unique_ptr<InputBytes> bytes, std::size_t limit = kDefaultLimit);

  std::optional<InputLine> next() override;
  std::size_t bytes_used() const override { return bytes_->used(); }

 private:
  enum class Place { kBeforeArray, kBetween, kBehind };

  bool begins(char first);
  InputLine missing_end();
  InputLine rest_of_file();
  std::size_t part_of_value(std::string_view rest, bool& ended);

  std::unique_ptr<InputBytes> bytes_;
  std::size_t limit_;
  std::size_t line_ = 1;
  std::size_t values_ = 0;  // that were begun: a record's number is its place
  Place place_ = Place::kBeforeArray;
  bool in_array_ = false;
  std::size_t depth_ = 0;  // brackets open in the value
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace endorm
