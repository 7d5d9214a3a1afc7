#include "app/cli/record_output.h"

#include <filesystem>

#include "core/errors.h"
#include "score/parquet_file.h"
#include "score/record_edit.h"

namespace endorm {

RecordOutput::RecordOutput(const std::string& command, const std::string& path) : path_(path) {
  if (!is_parquet_name(path)) {
    output_.emplace(command, path);
    return;
  }
  require_parquet_writer(path);
  kept_.emplace(std::filesystem::path(path).parent_path());
  lines_.open(kept_->path(), std::ios::binary);
}

void RecordOutput::fail() const {
  throw EngineError("[output] the records for " + path_ + " cannot be kept aside. Is its disk full?");
}

void RecordOutput::write(std::string_view record) {
  const std::string line = on_one_line(record) + "\n";
  if (output_) {
    output_->write(line);
  } else if (!lines_.write(line.data(), static_cast<std::streamsize>(line.size()))) {
    fail();
  }
}

void RecordOutput::finish() {
  if (output_) {
    output_->finish();
    return;
  }
  lines_.close();
  if (!lines_) {
    fail();
  }
  write_parquet_of_lines(kept_->path(), path_, false);
}

}  // namespace endorm
