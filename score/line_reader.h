#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "score/input_bytes.h"
#include "score/record_input.h"

namespace endorm {

// JSON lines. Memory is one line and a block. A byte-order mark at the start and a carriage return before a newline are
// dropped, blank lines are skipped, and a last line needs no newline.
class LineReader : public RecordInput {
 public:
  // Throws InvalidInput where the path cannot be opened or is a directory.
  explicit LineReader(const std::string& path, std::size_t limit = kDefaultLimit);
  explicit LineReader(std::unique_ptr<InputBytes> bytes, std::size_t limit = kDefaultLimit);

  std::optional<InputLine> next() override;
  std::size_t bytes_used() const override { return bytes_->used(); }

 private:
  std::unique_ptr<InputBytes> bytes_;
  std::size_t limit_;
  std::size_t number_ = 0;
};

}  // namespace endorm
