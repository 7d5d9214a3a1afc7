#include "engine/scratch_directory.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "core/errors.h"

namespace endorm {

ScratchDirectory::ScratchDirectory(const std::filesystem::path& parent, const std::string& prefix) {
  std::string pattern = (parent / (prefix + "XXXXXX")).string();
  if (!::mkdtemp(pattern.data())) {
    throw EngineError("[ScratchDirectory] no directory can be made in " +
                      (parent.empty() ? std::string("the current directory") : parent.string()) + ": " +
                      std::strerror(errno) + ". Check that it exists and that you may write there.");
  }
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace endorm
