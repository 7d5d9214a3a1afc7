#include "train/append_all.h"

#include <cerrno>
#include <cstring>

#include "core/errors.h"
#include "engine/write_all.h"

namespace endorm {

void append_all(int descriptor, std::string_view bytes, const std::string& path) {
  if (!write_all(descriptor, bytes)) {
    throw EngineError("[train] " + path + " cannot be written: " + std::strerror(errno));
  }
}

}  // namespace endorm
