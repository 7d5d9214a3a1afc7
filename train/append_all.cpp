#include "train/append_all.h"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include <unistd.h>

#include "core/errors.h"

namespace endorm {

void append_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      throw EngineError("[train] " + path + " cannot be written: " + std::strerror(written < 0 ? errno : ENOSPC));
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace endorm
