#include "engine/atomic_file.h"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr const char* kOpenFiles = "/proc/self/fd";  // from which a file without a name gets one

std::string folder_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// Below 0 where the file system has no files without a name.
int open_nameless([[maybe_unused]] const std::string& path) {
#ifdef O_TMPFILE
  if (::access(kOpenFiles, X_OK) == 0) {
    return ::open(folder_of(path).c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  }
#endif
  return -1;
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path, std::string_view writer)
    : writer_(writer), path_(path), partial_(path + ".partial") {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw InvalidInput("[" + writer_ + "] " + path + " is no regular file. Give another path.");
  }
  descriptor_ = open_nameless(path_);
  named_ = descriptor_ < 0;
  if (named_) {
    descriptor_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  }
  if (descriptor_ < 0) {
    fail("create");
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    if (named_) {
      ::unlink(partial_.c_str());
    }
  }
}

void AtomicFile::fail(const char* action) const {
  throw EngineError("[" + writer_ + "] cannot " + action + " " + path_ + ": " + std::strerror(errno) +
                    ". Check its directory, the space on the disk and the permissions; what was at the path is still "
                    "there.");
}

void AtomicFile::write(std::string_view bytes) {
  if (!write_all(descriptor_, bytes)) {
    fail("write");
  }
}

void AtomicFile::commit(Durability durability) {
  const bool forced = durability == Durability::kOnDisk;
  if (forced && ::fsync(descriptor_) != 0) {
    fail("force to disk");
  }
  if (!named_) {
    ::unlink(partial_.c_str());  // of a crash elsewhere
    const std::string open_file = std::string(kOpenFiles) + "/" + std::to_string(descriptor_);
    if (::linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, partial_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      fail("name");
    }
    named_ = true;
  }
  if (::rename(partial_.c_str(), path_.c_str()) != 0) {
    fail("replace");
  }
  ::close(descriptor_);  // after fsync there is nothing left to fail
  descriptor_ = -1;
  if (!forced) {
    return;
  }
  // The new name in the directory must survive a loss of power as well.
  const int directory = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      errno = written < 0 ? errno : ENOSPC;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace endorm
