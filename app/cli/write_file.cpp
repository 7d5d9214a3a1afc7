#include "app/cli/write_file.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "core/errors.h"

namespace endorm {

void write_file(std::string_view command, std::string_view content, const std::string& path) {
  if (path == "-") {
    std::fwrite(content.data(), 1, content.size(), stdout);
    return;
  }
  const std::string partial = path + ".partial";
  std::ofstream file(partial, std::ios::binary);
  file << content;
  file.close();
  if (!file) {
    std::error_code ignored;
    std::filesystem::remove(partial, ignored);
    throw EngineError("[" + std::string(command) + "] " + path +
                      " cannot be written. Does the directory exist, and is there room?");
  }
  std::filesystem::rename(partial, path);
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
