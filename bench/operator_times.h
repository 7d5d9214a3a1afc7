#pragma once

#include <string>
#include <vector>

namespace endorm {

// What one kind of torch operator took, without the operators that it called.
struct OperatorTime {
  std::string name;  // "aten::mm", ...
  double seconds = 0.0;
  std::size_t calls = 0;
};

// While it lives, times every operator that this thread runs; forward and backward alike, since the backward pass of
// the CPU runs in the thread that asks for it. One at a time.
class OperatorTimes {
 public:
  OperatorTimes();
  ~OperatorTimes();
  OperatorTimes(const OperatorTimes&) = delete;
  OperatorTimes& operator=(const OperatorTimes&) = delete;

  // The slowest kind first.
  std::vector<OperatorTime> sorted() const;

 private:
  unsigned long handle_;
};

}  // namespace endorm
