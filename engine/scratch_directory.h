#pragma once

#include <filesystem>
#include <string>

namespace endorm {

// A directory that goes away with its owner.
class ScratchDirectory {
 public:
  // In `parent`; its name begins with `prefix`. Throws EngineError where it cannot be made.
  ScratchDirectory(const std::filesystem::path& parent, const std::string& prefix);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace endorm
