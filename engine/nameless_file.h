#pragma once

#include <filesystem>
#include <string>

namespace endorm {

// A file without a name, for what is written and read again: it goes with its owner, and with the process however that
// ends.
class NamelessFile {
 public:
  // In a directory; empty: the current one. Throws EngineError where it cannot be made.
  explicit NamelessFile(const std::filesystem::path& directory);
  ~NamelessFile();
  NamelessFile(NamelessFile&& other) noexcept;
  NamelessFile(const NamelessFile&) = delete;
  NamelessFile& operator=(const NamelessFile&) = delete;
  NamelessFile& operator=(NamelessFile&&) = delete;

  int descriptor() const { return descriptor_; }
  // A path by which this process and its children open it, at its beginning, while this lives.
  std::string path() const;

 private:
  int descriptor_;
};

}  // namespace endorm
