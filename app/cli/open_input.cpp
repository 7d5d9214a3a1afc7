#include "app/cli/open_input.h"

#include <fstream>
#include <optional>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "core/errors.h"

namespace endorm {

std::unique_ptr<RecordInput> open_input(const std::string& path) {
  return path == "-" ? open_records(STDIN_FILENO, "standard input") : open_records(path);
}

namespace {

class CopiedRecords final : public RecordInput {
 public:
  CopiedRecords(std::unique_ptr<RecordInput> input, const std::string& path)
      : input_(std::move(input)), path_(path), file_(path, std::ios::binary) {}

  std::optional<InputLine> next() override {
    std::optional<InputLine> line = input_->next();
    if (line && !line->error && line->text.starts_with('{')) {  // what is none has no row that needs it
      file_ << line->text << '\n';
    }
    if (!line) {
      file_.flush();
    }
    if (!file_) {
      throw EngineError("[input] the records cannot be kept aside in " + path_ + ". Is its disk full?");
    }
    return line;
  }

  std::size_t bytes_used() const override { return input_->bytes_used(); }

 private:
  std::unique_ptr<RecordInput> input_;
  std::string path_;
  std::ofstream file_;
};

}  // namespace

std::unique_ptr<RecordInput> copied_records(std::unique_ptr<RecordInput> input, const std::string& path) {
  return std::make_unique<CopiedRecords>(std::move(input), path);
}

void refuse_input_as_output(const std::string& command, const std::string& input, const std::string& output) {
  struct stat read {};
  struct stat written {};
  const bool known = (input == "-" ? ::fstat(STDIN_FILENO, &read) : ::stat(input.c_str(), &read)) == 0 &&
                     output != "-" && ::stat(output.c_str(), &written) == 0;
  if (known && S_ISREG(read.st_mode) && read.st_dev == written.st_dev && read.st_ino == written.st_ino) {
    throw InvalidInput("[" + command + "] -o " + output + " is the input itself. Give another file.");
  }
}

}  // namespace endorm
