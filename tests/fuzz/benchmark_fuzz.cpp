// Every benchmark's reader on arbitrary bytes taken for its file: examples that keep their promises and faults that can
// be printed, or InvalidInput. The first byte chooses the benchmark.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "eval/benchmarks.h"
#include "score/record_input.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/promises.h"

namespace {

void check(const endorm::Example& example) {
  const std::size_t count = example.request.responses.size();
  require(!example.request.messages.empty() && count > 0 && example.request.key.size() == 16);
  require(valid_utf8(example.request.id) && valid_utf8(example.subset) && valid_utf8(example.group));
  for (const endorm::Comparison& comparison : example.comparisons) {
    require(comparison.better < count && comparison.worse < count && comparison.better != comparison.worse);
  }
  require(example.correct.empty() || example.correct.size() == count);
  require(!example.comparisons.empty() || !example.correct.empty() || example.steps.has_value());
  if (example.steps) {
    const std::size_t steps = example.request.responses.front().step_begins.size();
    require(count == 1 && steps > 0 && example.steps->first_error.value_or(0) < steps);
    require(!example.steps->wrong || example.steps->wrong->size() == steps);
  }
}

}  // namespace

// Readers are given texts here: what opens files may start programs, and is not fuzzed.
std::unique_ptr<endorm::RecordInput> endorm::open_records(const std::string&, std::size_t, const std::string&) {
  throw InvalidInput("[open_records] nothing is opened here");
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<endorm::BenchmarkName> names = endorm::benchmark_names();
  if (size == 0) {
    return 0;
  }
  const endorm::MemoryFile file(data + 1, size - 1);
  endorm::ReadOptions options;
  options.system_messages = data[0] < 128;
  try {
    const endorm::DataSet read = endorm::read_benchmark(names[data[0] % names.size()].name, file.path(), options);
    std::set<std::string> ids;
    for (const endorm::Example& example : read.examples) {
      check(example);
      require(ids.insert(example.request.id).second);
    }
    for (const endorm::RowFault& fault : read.faults) {
      require(fault.row > 0 && valid_utf8(fault.id) && valid_utf8(fault.message));
    }
  } catch (const endorm::InvalidInput& error) {
    require(valid_utf8(error.what()));
  }
  return 0;
}
