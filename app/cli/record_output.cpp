#include "app/cli/record_output.h"

#include <filesystem>

#include "score/parquet_file.h"
#include "score/record_edit.h"

namespace endorm {
namespace {

std::optional<ScratchDirectory> scratch_beside(const std::string& path) {
  if (!is_parquet_name(path)) {
    return std::nullopt;
  }
  require_parquet_writer(path);
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return std::optional<ScratchDirectory>(std::in_place, folder.empty() ? "." : folder, ".endorm-lines-");
}

}  // namespace

RecordOutput::RecordOutput(const std::string& command, const std::string& path)
    : scratch_(scratch_beside(path)),
      path_(path),
      lines_(scratch_ ? (scratch_->path() / "records.jsonl").string() : path),
      output_(command, lines_) {}

void RecordOutput::write(std::string_view record) {
  output_.write(on_one_line(record));
  output_.write("\n");
}

void RecordOutput::finish() {
  output_.finish();
  if (scratch_) {
    write_parquet_of_lines(lines_, path_, false);
  }
}

}  // namespace endorm
