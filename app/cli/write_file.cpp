#include "app/cli/write_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/errors.h"

namespace endorm {

OutputFile::OutputFile(std::string_view command, const std::string& path) : command_(command) {
  if (path != "-") {
    file_.emplace(path, command);
  }
}

void OutputFile::write(std::string_view bytes) {
  if (file_) {
    file_->write(bytes);
  } else if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) {
    finish_standard_output(command_);
  }
}

void OutputFile::finish() {
  if (file_) {
    file_->commit();
  } else {
    finish_standard_output(command_);
  }
}

void write_file(std::string_view command, std::string_view content, const std::string& path) {
  OutputFile output(command, path);
  output.write(content);
  output.finish();
}

void finish_standard_output(std::string_view command) {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw EngineError("[" + std::string(command) + "] standard output cannot be written: " + std::strerror(errno) +
                      ". Its reader went away, or its disk is full.");
  }
}

void check_directories(std::string_view command, std::span<const std::string> paths) {
  for (const std::string& path : paths) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder)) {
      throw InvalidInput("[" + std::string(command) + "] cannot write " + path + ": there is no directory " +
                         folder.string());
    }
  }
}

}  // namespace endorm
