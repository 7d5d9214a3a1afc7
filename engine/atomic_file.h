#pragma once

#include <string>
#include <string_view>

namespace endorm {

// What a whole file outlives: a loss of power too, or, where only the program that wrote it reads it back and need not
// wait for the disk, nothing.
enum class Durability { kOnDisk, kScratch };

// A file that takes its path only once it is whole and on the disk: whatever happens before commit() has returned, a
// crash or a loss of power as well, what was at the path stays. Until then it has no name, where the file system has
// such files, and goes with the process however that ends; elsewhere it is PATH.partial beside it, which the next
// writer of the same path overwrites where a crash left it. A link at the path is replaced, not followed. One writer of
// a path at a time.
class AtomicFile {
 public:
  // Messages are in the name of `writer`, a function or command. Throws InvalidInput where something other than a
  // regular file is at the path, EngineError where a file beside it cannot be created.
  explicit AtomicFile(const std::string& path, std::string_view writer = "AtomicFile");
  ~AtomicFile();  // without commit(): removes what was written
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Throws EngineError where the disk is full or fails.
  void write(std::string_view bytes);
  // Forces the bytes to the disk, unless they are scratch, and gives the file its path. Last call. Throws EngineError.
  void commit(Durability durability = Durability::kOnDisk);

 private:
  [[noreturn]] void fail(const char* action) const;

  std::string writer_;
  std::string path_;
  std::string partial_;
  int descriptor_ = -1;
  bool named_ = true;  // as partial_
};

// Writes all bytes to a descriptor, through interruptions and partial writes. False where it cannot; errno says why.
bool write_all(int descriptor, std::string_view bytes);

}  // namespace endorm
