#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "engine/child_process.h"

namespace endorm {

// The bytes of a file, of a descriptor or of what a program prints, in blocks. A byte-order mark at the start is left
// out. Not thread-safe.
class InputBytes {
 public:
  // Throws InvalidInput where the path cannot be opened or is a directory.
  explicit InputBytes(const std::string& path);
  // The descriptor stays the caller's; name is what messages call it.
  InputBytes(int descriptor, std::string name);
  // What a program makes of the file `name`, which is read as it prints. Where it ends with another status than 0 and
  // `warns`, rest() throws InvalidInput with `failure`.
  InputBytes(std::unique_ptr<ChildOutput> program, std::string name, std::string failure, int warns);
  ~InputBytes();
  InputBytes(const InputBytes&) = delete;
  InputBytes& operator=(const InputBytes&) = delete;

  const std::string& name() const { return name_; }

  // What is not used yet of the block that was read, after reading one where there is none; empty at the end. Valid
  // until the next call. Throws EngineError where reading fails.
  std::string_view rest();
  void use(std::size_t bytes) { begin_ += bytes; }  // at most rest().size()

  std::size_t used() const { return read_ - (block_.size() - begin_); }

 private:
  bool fill();
  std::size_t read_some(std::size_t offset);

  int descriptor_;
  bool owned_;
  std::string name_;
  std::unique_ptr<ChildOutput> program_;
  std::string failure_;
  int warns_ = 0;
  std::string block_;
  std::size_t begin_ = 0;  // what of the block is not yet used
  std::size_t read_ = 0;
  bool first_ = true;
  bool ended_ = false;
};

}  // namespace endorm
