#include "app/cli/judge_flags.h"

#include <CLI/CLI.hpp>

#include "app/cli/option_flags.h"

namespace endorm {

void add_judge_flags(CLI::App& command, JudgeSettings& flags) { add_option_flags(command, judge_options(), flags); }

void add_bootstrap_flags(CLI::App& command, std::size_t& resamples, std::uint64_t& seed) {
  constexpr const char* kFigures = "Figures";
  command.add_option("--resamples", resamples, "of the bootstrap; 0: no intervals")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str()
      ->group(kFigures);
  command.add_option("--bootstrap-seed", seed)->capture_default_str()->group(kFigures);
}

void add_statistics_cache_flags(CLI::App& command, std::string& path, bool& none) {
  constexpr const char* kOutput = "Output";
  command
      .add_option("--cache", path,
                  "file of token statistics (default: statistics.db in the cache directory that doctor names)")
      ->group(kOutput);
  command.add_flag("--no-cache", none, "keep no token statistics")->group(kOutput);
}

}  // namespace endorm
