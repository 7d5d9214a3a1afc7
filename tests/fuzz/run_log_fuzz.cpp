// Arbitrary bytes taken for the log of a training run: metrics with rising steps, a table without control characters
// and a page, or InvalidInput.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "core/errors.h"
#include "report/run_file.h"
#include "report/run_table.h"
#include "tests/fuzz/promises.h"

namespace {}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream lines(std::string(reinterpret_cast<const char*>(data), size));
  try {
    const endorm::RunFile run = endorm::read_run_log(lines);
    for (const endorm::RunMetric& metric : run.metrics) {
      require(!metric.points.empty());
      for (std::size_t i = 1; i < metric.points.size(); ++i) {
        require(metric.points[i - 1].step < metric.points[i].step);
      }
    }
    for (const char character : endorm::run_table(run)) {
      require(static_cast<unsigned char>(character) >= 0x20 || character == '\n');
    }
  } catch (const endorm::InvalidInput&) {
  }
  return 0;
}
