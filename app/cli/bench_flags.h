#pragma once

#include <cstddef>
#include <string>

#include "app/bench_settings.h"

namespace CLI {
class App;
}

namespace endorm {

struct BenchFlags : BenchSettings {  // and where it goes
  std::string json;
  std::string markdown;
  std::string html;
  std::string rows;
  bool no_rows = false;
  bool overwrite = false;
  std::size_t shown = 40;
  std::string cache;
  bool no_cache = false;
};

void add_bench_flags(CLI::App& command, BenchFlags& flags);
// Of these, which part of the data is read, and where the report goes.
void add_part_flags(CLI::App& command, BenchFlags& flags);
void add_report_flags(CLI::App& command, BenchFlags& flags);

}  // namespace endorm
