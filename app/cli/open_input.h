#pragma once

#include <memory>
#include <string>

#include "score/record_input.h"

namespace endorm {

inline constexpr const char* kInputHelp = "records, in any form of docs/records.md; - is standard input";

// The records of a command's input: a file, or standard input where the path is "-".
std::unique_ptr<RecordInput> open_input(const std::string& path);

}  // namespace endorm
