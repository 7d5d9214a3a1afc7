#include "engine/nameless_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "core/errors.h"

namespace endorm {
namespace {

int open_nameless(const std::filesystem::path& directory) {
  std::string pattern = ((directory.empty() ? "." : directory) / ".endorm-XXXXXX").string();
  const int descriptor = ::mkstemp(pattern.data());
  if (descriptor < 0) {
    throw EngineError("[NamelessFile] no file can be made in " +
                      (directory.empty() ? "the current directory" : directory.string()) + ": " + std::strerror(errno) +
                      ". Check that it exists and that you may write there.");
  }
  ::unlink(pattern.c_str());
  return descriptor;
}

}  // namespace

NamelessFile::NamelessFile(const std::filesystem::path& directory) : descriptor_(open_nameless(directory)) {}

NamelessFile::~NamelessFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

NamelessFile::NamelessFile(NamelessFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

std::string NamelessFile::path() const {
  ::lseek(descriptor_, 0, SEEK_SET);  // where opening it only copies the descriptor
  return "/dev/fd/" + std::to_string(descriptor_);
}

}  // namespace endorm
