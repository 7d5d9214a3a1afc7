#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace endorm {

// A number of a step, by name.
using Metric = std::pair<std::string, double>;

// The metrics of a run as TensorBoard reads them: records of TFRecord framing, each an Event message
// (tensorflow/core/util/event.proto, summary.proto) with one scalar a metric. One writer a file, one caller at a time.
class EventFile {
 public:
  // Creates a new file in an existing directory, its name made of wall_time (seconds since 1970), so that TensorBoard
  // reads it behind those that are there. It tells TensorBoard to forget what they say of first_step and later steps: a
  // run that goes on gives each step once. Throws EngineError where it cannot be written.
  EventFile(const std::string& directory, std::size_t first_step, double wall_time);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  // Appends one event. TensorBoard keeps scalars as float: what is beyond its range becomes infinite there.
  void step(std::size_t step, std::span<const Metric> metrics, double wall_time);

  const std::string& path() const { return path_; }

 private:
  void write(std::string_view event);

  std::string path_;
  int descriptor_ = -1;
};

// Writes all bytes at the end of what a descriptor holds; path names it in messages. Throws EngineError where the disk
// is full or fails.
void append_all(int descriptor, std::string_view bytes, const std::string& path);

}  // namespace endorm
