#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace endorm {

// One line of input, without its line ending.
struct InputLine {
  std::size_t number = 0;            // 1-based; blank lines are counted
  std::string text;                  // empty where error is set
  std::string key;                   // record_key of the line
  std::optional<std::string> error;  // why the line cannot be used, e.g. longer than the limit; reading goes on
};

// Reads a file of JSON lines, from a path or from a descriptor such as standard input. Memory is one line and a
// buffer. A byte-order mark at the start and a carriage return before a newline are dropped, blank lines are skipped,
// and a last line needs no newline. Not thread-safe.
class LineReader {
 public:
  static constexpr std::size_t kDefaultLimit = std::size_t{64} << 20;  // bytes in a line

  // Throws InvalidInput where the path cannot be opened or is a directory.
  explicit LineReader(const std::string& path, std::size_t limit = kDefaultLimit);
  // Reads from a descriptor that stays the caller's; name is what messages call it.
  LineReader(int descriptor, std::string name, std::size_t limit = kDefaultLimit);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line that is not blank; none at the end. Throws EngineError where reading fails, and InvalidInput where
  // the file turns out to be one JSON array instead of JSON lines.
  std::optional<InputLine> next();

 private:
  bool fill();
  // Whether a line was begun before the end of input.
  bool read_line(InputLine& line);

  int descriptor_;
  bool owned_;
  std::string name_;
  std::size_t limit_;
  std::string buffer_;     // the last block that was read
  std::size_t begin_ = 0;  // what of it is not yet used
  std::size_t number_ = 0;
  bool first_record_ = true;
};

}  // namespace endorm
