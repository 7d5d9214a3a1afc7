#pragma once

#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "app/cli/write_file.h"
#include "engine/nameless_file.h"

namespace endorm {

// Where a command writes records: JSON lines, or a Parquet file where the name asks for it, whole or not at all.
class RecordOutput {
 public:
  // Throws InvalidInput where something other than a regular file is at the path, or Parquet cannot be written.
  RecordOutput(const std::string& command, const std::string& path);

  void write(std::string_view record);  // a JSON object
  void finish();                        // last call

 private:
  [[noreturn]] void fail() const;

  std::string path_;
  std::optional<NamelessFile> kept_;  // the lines that become Parquet
  std::ofstream lines_;               // into it
  std::optional<OutputFile> output_;  // none of Parquet
};

}  // namespace endorm
