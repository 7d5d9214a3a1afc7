#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace endorm {

// The text of one record: a line of JSON, or another form's record as such a line.
struct InputLine {
  std::size_t number = 0;  // of the line where it begins, from 1, blank lines counted; of a JSON value its place
  std::string text;        // empty where there is an error and nothing else is known
  std::string key;         // record_key of the text
  std::optional<std::string> error;  // why it cannot be used, e.g. longer than the limit; reading goes on
};

// A stream of records. Not thread-safe.
class RecordInput {
 public:
  static constexpr std::size_t kDefaultLimit = std::size_t{64} << 20;  // bytes of a record

  RecordInput() = default;
  virtual ~RecordInput() = default;
  RecordInput(const RecordInput&) = delete;
  RecordInput& operator=(const RecordInput&) = delete;

  // The next record; none at the end. Throws EngineError where reading fails.
  virtual std::optional<InputLine> next() = 0;

  // Bytes of the input that were used so far, packed ones where the input is packed.
  virtual std::size_t bytes_used() const = 0;
};

// Records of a file, whatever its form, which its first bytes tell: JSON lines, one JSON array, JSON values over
// several lines, separated values with a line of names (RFC 4180; commas, tabs or semicolons); packed by gzip, zstd,
// bzip2 or xz, which those programs unpack; Parquet and Arrow, which `python` reads with pyarrow. Throws InvalidInput
// where the file cannot be opened, is of a form that is known and not read, or the program that it needs is absent;
// each says how to convert it.
std::unique_ptr<RecordInput> open_records(const std::string& path, std::size_t limit = RecordInput::kDefaultLimit,
                                          const std::string& python = "python3");

// The same of a descriptor such as standard input, which stays the caller's; name is what messages call it. What needs
// another program is refused.
std::unique_ptr<RecordInput> open_records(int descriptor, std::string name,
                                          std::size_t limit = RecordInput::kDefaultLimit);

}  // namespace endorm
