#include "app/cli/open_input.h"

#include <cstdio>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "core/errors.h"
#include "score/input_bytes.h"
#include "score/record_edit.h"

namespace endorm {

std::unique_ptr<RecordInput> open_input(const std::string& path) {
  return path == "-" ? open_records(STDIN_FILENO, "standard input") : open_records(path);
}

RepeatedStandardInput::RepeatedStandardInput() : beginning_(::lseek(STDIN_FILENO, 0, SEEK_CUR)) {
  if (beginning_ >= 0) {
    return;
  }
  beginning_ = 0;
  InputBytes bytes(STDIN_FILENO, "standard input");
  std::FILE* kept = std::tmpfile();
  bool whole = kept != nullptr;
  for (std::string_view some = bytes.rest(); whole && !some.empty(); some = bytes.rest()) {
    whole = std::fwrite(some.data(), 1, some.size(), kept) == some.size();
    bytes.use(some.size());
  }
  whole = whole && std::fflush(kept) == 0 && ::dup2(::fileno(kept), STDIN_FILENO) == STDIN_FILENO;
  if (kept != nullptr) {
    std::fclose(kept);
  }
  if (!whole) {
    throw EngineError("[input] standard input cannot be kept aside for every model. Give it as a file.");
  }
}

void RepeatedStandardInput::rewind() { ::lseek(STDIN_FILENO, beginning_, SEEK_SET); }

namespace {

class CopiedRecords final : public RecordInput {
 public:
  CopiedRecords(std::unique_ptr<RecordInput> input, const std::string& path)
      : input_(std::move(input)), path_(path), file_(path, std::ios::binary) {}

  std::optional<InputLine> next() override {
    std::optional<InputLine> line = input_->next();
    if (line && !line->error) {
      file_ << line->key << on_one_line(line->text) << '\n';
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

class KeptRecords final : public RecordInput {
 public:
  explicit KeptRecords(const std::string& path) : file_(path, std::ios::binary) {}

  std::optional<InputLine> next() override {
    std::string line;
    if (!std::getline(file_, line)) {
      return std::nullopt;
    }
    bytes_ += line.size() + 1;
    constexpr std::size_t kKey = 16;
    return InputLine{++number_, line.substr(kKey), line.substr(0, kKey), std::nullopt};
  }

  std::size_t bytes_used() const override { return bytes_; }

 private:
  std::ifstream file_;
  std::size_t number_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<RecordInput> kept_records(const std::string& path) { return std::make_unique<KeptRecords>(path); }

std::unique_ptr<RecordInput> copied_records(std::unique_ptr<RecordInput> input, const std::string& path) {
  return std::make_unique<CopiedRecords>(std::move(input), path);
}

void refuse_input_as_output(const std::string& command, const std::string& input, const std::string& output,
                            const std::string& flag) {
  struct stat read {};
  struct stat written {};
  const bool known = (input == "-" ? ::fstat(STDIN_FILENO, &read) : ::stat(input.c_str(), &read)) == 0 &&
                     output != "-" && ::stat(output.c_str(), &written) == 0;
  if (known && S_ISREG(read.st_mode) && read.st_dev == written.st_dev && read.st_ino == written.st_ino) {
    throw InvalidInput("[" + command + "] " + flag + " " + output + " is " + (input == "-" ? "the input" : input) +
                       " itself, which would be lost. Give another file.");
  }
}

}  // namespace endorm
