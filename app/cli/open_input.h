#pragma once

#include <memory>
#include <string>

#include "score/record_input.h"

namespace endorm {

inline constexpr const char* kInputHelp = "records, in any form of docs/records.md; - is standard input";

// The records of a command's input: a file, or standard input where the path is "-".
std::unique_ptr<RecordInput> open_input(const std::string& path);

// Throws InvalidInput in the name of the command where its output is the file that it reads, by whatever names.
void refuse_input_as_output(const std::string& command, const std::string& input, const std::string& output);

}  // namespace endorm
