#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "app/bench_settings.h"
#include "app/cli/bench_json_commands.h"

namespace endorm {

struct BenchFlags : BenchSettings {  // and where it goes
  ReportOutputs outputs;
  std::size_t shown = 40;
  std::string rows;  // directory
  bool overwrite = false;
  std::string cache;
  bool no_cache = false;
};

// All but the data and the judges: the options of the benchmark that `wanted` takes, where the report goes, rewards,
// judges' parts, model.
void add_bench_flags(CLI::App& command, BenchFlags& flags,
                     const std::function<bool(const OptionFacts&)>& wanted = nullptr);

}  // namespace endorm
