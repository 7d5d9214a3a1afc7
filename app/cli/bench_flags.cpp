#include "app/cli/bench_flags.h"

#include <CLI/CLI.hpp>

#include "app/cli/option_flags.h"

namespace endorm {

void add_bench_flags(CLI::App& command, BenchFlags& flags, const std::function<bool(const OptionFacts&)>& wanted) {
  add_option_flags(command, bench_options(), static_cast<BenchSettings&>(flags), wanted);
  add_output_flags(command, flags.outputs);
  command.add_option(
      "--shown", flags.shown,
      "pairs that are kept token by token, half won and half lost; or questions with all their responses");
  command.add_option(
      "--rows", flags.rows,
      "directory: a file of verdicts a judge (and one of samples), continued where an earlier run stopped");
  command.add_flag("--overwrite", flags.overwrite, "start the files of --rows anew");
  command.add_option("--cache", flags.cache,
                     "file of token statistics (default: statistics.db in the cache directory that doctor names)");
  command.add_flag("--no-cache", flags.no_cache, "keep no token statistics");
  add_reward_flags(command, flags.scoring);
  add_option_flags(command, judge_options(), flags.judge);
  add_option_flags(command, engine_options(), flags.engine);
}

}  // namespace endorm
