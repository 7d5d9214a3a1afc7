#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace endorm {

enum class ResultMode {
  kResume,     // an existing file of the same manifest is continued
  kOverwrite,  // an existing file is emptied
};

// The result file of a run: a manifest line, then one JSON row a record in the order of the input. It is append-only,
// so that a run that was killed at any moment is continued where it stopped. One ResultLog at a time may hold a file.
// Not thread-safe. Rows that were appended and not synced are dropped by the destructor.
class ResultLog {
 public:
  // Opens or creates path and brings it to a state where rows can follow: an unfinished last row is cut off (see
  // notices()). A device or pipe is written like standard output. Throws InvalidInput where path cannot be written, is
  // held by another run, is not a result file, is damaged, or was made with another manifest (fields under
  // "manifest.run" may differ); EngineError where the disk fails.
  static ResultLog open(const std::string& path, const std::string& manifest, ResultMode mode);
  // Writes to a descriptor that stays the caller's, such as standard output: nothing is resumed or forced to disk.
  static ResultLog stream(int descriptor, const std::string& name, const std::string& manifest);

  ResultLog(ResultLog&& other) noexcept;
  ResultLog& operator=(ResultLog&&) = delete;
  ~ResultLog();

  // Rows that an earlier run finished: the first records of the input, which need no scoring.
  std::size_t finished_rows() const { return keys_.size(); }
  // Throws InvalidInput where finished row `row` (from 0) does not belong to the record with this key: the input
  // changed.
  void check_finished(std::size_t row, std::string_view key) const;
  // Throws InvalidInput where there are more finished rows than records in the input.
  void check_finished_count(std::size_t records) const;

  // Adds a row, without newline, to the batch in memory.
  void append(std::string_view row);
  // Writes the batch and forces it to disk: after this the rows survive a kill or a crash. Throws EngineError naming
  // path and reason, e.g. a full disk; then the file ends with the last whole batch, as far as the disk allows.
  void sync();

  // One sentence for each thing that the user should know about opening the file.
  const std::vector<std::string>& notices() const { return notices_; }

 private:
  ResultLog(int descriptor, std::string name, bool owned, bool regular);
  void lock();
  void write_manifest(const std::string& manifest);
  void read_existing(const std::string& manifest);
  void cut_tail(std::uint64_t size);
  [[noreturn]] void fail(const char* action, int error) const;

  int descriptor_;
  std::string name_;
  bool owned_;
  bool regular_;                     // a file that can be cut, locked and forced to disk
  std::uint64_t size_ = 0;           // bytes of whole, synced lines
  std::string batch_;                // appended, not yet written
  std::vector<std::uint64_t> keys_;  // of the finished rows, in order
  std::vector<std::string> notices_;
};

}  // namespace endorm
