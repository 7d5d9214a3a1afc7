#pragma once

#include <cstddef>
#include <memory>

#include "score/input_bytes.h"
#include "score/record_input.h"

namespace endorm {

// The records of a text, whose first line tells its form: JSON lines, JSON values that take several lines or stand in
// an array, separated values.
std::unique_ptr<RecordInput> text_records(std::unique_ptr<InputBytes> bytes, std::size_t limit);

}  // namespace endorm
