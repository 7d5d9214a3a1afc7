#include "engine/file_hash.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "core/errors.h"
#include "engine/content_hash.h"

namespace endorm {

std::string unhashed_file_identity(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw InvalidInput("[file] " + path + " cannot be opened: " + std::strerror(errno));
  }
  return std::filesystem::absolute(path).string() + " size " + std::to_string(status.st_size) + " inode " +
         std::to_string(status.st_ino) + " changed " + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
}

std::string cached_file_sha256(const std::string& path, const std::string& directory) {
  if (directory.empty()) {
    return hex(sha256_file(path));
  }
  const std::filesystem::path entry = std::filesystem::path(directory) / hex(sha256(unhashed_file_identity(path)));
  constexpr std::size_t kHexDigits = 64;
  std::string known;
  if (std::ifstream(entry) >> known && known.size() == kHexDigits) {
    return known;
  }
  std::string hash = hex(sha256_file(path));
  std::error_code ignored;  // a cache that cannot be written costs time, nothing else
  std::filesystem::create_directories(entry.parent_path(), ignored);
  std::ofstream(entry) << hash << '\n';
  return hash;
}

}  // namespace endorm
