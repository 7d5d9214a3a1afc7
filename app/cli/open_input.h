#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include "score/record_input.h"

namespace endorm {

inline constexpr const char* kInputHelp = "records, in any form of docs/records.md; - is standard input";

// The records of a command's input: a file, or standard input where the path is "-".
std::unique_ptr<RecordInput> open_input(const std::string& path);

// Standard input that is read several times: where it is no file, its bytes are kept in one without a name first.
class RepeatedStandardInput {
 public:
  RepeatedStandardInput();  // throws EngineError where they cannot be kept
  void rewind();            // to where it was

 private:
  off_t beginning_;
};

// The same records, which are kept in a file as they are read, and from there. Reading throws EngineError where keeping
// fails.
std::unique_ptr<RecordInput> copied_records(std::unique_ptr<RecordInput> input, const std::string& path);
std::unique_ptr<RecordInput> kept_records(const std::string& path);

// Throws InvalidInput in the name of the command where its output (empty: there is none) is a file that it needs, by
// whatever names. flag: that the output was given with.
void refuse_input_as_output(const std::string& command, const std::string& input, const std::string& output,
                            const std::string& flag = "-o");

}  // namespace endorm
