#include "app/cli/bench_flags.h"

#include <CLI/CLI.hpp>

#include "app/cli/judge_flags.h"

namespace endorm {
namespace {

constexpr const char* kData = "Data";

}  // namespace

void add_bench_flags(CLI::App& command, BenchFlags& flags) {
  command.add_option("benchmark", flags.benchmark, "a name that `endorm bench list` gives");
  command.add_option("-d,--data", flags.data, "directory with the benchmark's published files, or one of them");
  command.add_option("-j,--judge", flags.judges, "judges, separated by commas; the others are compared with the first")
      ->delimiter(',')
      ->capture_default_str();

  add_part_flags(command, flags);
  command.add_option("--order-seed", flags.order_seed, "of the order in which a judge sees the responses of a prompt")
      ->capture_default_str()
      ->group(kData);
  command
      .add_flag("--no-system-messages", flags.no_system_messages,
                "dsp, multifaceted: ask once, under no system message")
      ->group(kData);

  add_bootstrap_flags(command, flags.resamples, flags.bootstrap_seed);
  constexpr const char* kFigures = "Figures";
  command
      .add_option("--fit-split", flags.fit_split,
                  "steps: where the threshold is chosen, a split or \"half\" (default: gsm8k for processbench)")
      ->group(kFigures);
  command.add_option("--threshold", flags.threshold, "steps: nothing is fitted; a step below it is wrong")
      ->group(kFigures);
  command
      .add_option("--sweep", flags.sweep,
                  "settings of endorm, e.g. gamma=0.8..1.0,aggregation=discounted,mean,alpha=0.5,1; chosen on one half "
                  "of the prompts, reported on the other")
      ->group(kFigures);

  add_report_flags(command, flags);
}

void add_part_flags(CLI::App& command, BenchFlags& flags) {
  command.add_option("--limit", flags.limit, "at most so many rows of each file")->group(kData);
  command.add_option("--sample-seed", flags.sample_seed, "with --limit: a random choice of rows, not the first ones")
      ->group(kData);
  command.add_option("--shard", flags.shard, "i/n: take every n-th example only, from the i-th; see merge")
      ->group(kData);
}

void add_report_flags(CLI::App& command, BenchFlags& flags) {
  constexpr const char* kOutput = "Output";
  command.add_option("--json", flags.json, "write everything to this file")->group(kOutput);
  command.add_flag("--no-rows", flags.no_rows, "--json without the verdicts on every example, and without responses")
      ->group(kOutput);
  command.add_option("--markdown", flags.markdown, "write the tables to this file")->group(kOutput);
  command.add_option("--html", flags.html, "write one page with tables, plots, and pairs or responses to this file")
      ->group(kOutput);
  command
      .add_option("--shown", flags.shown,
                  "pairs that are kept token by token, half won and half lost; or questions with all their responses")
      ->capture_default_str()
      ->group(kOutput);
  command
      .add_option("--rows", flags.rows,
                  "directory: a file of verdicts a judge (and one of samples), continued where an earlier run stopped")
      ->group(kOutput);
  command.add_flag("--overwrite", flags.overwrite, "start the files of --rows anew")->group(kOutput);
  add_statistics_cache_flags(command, flags.cache, flags.no_cache);
}

}  // namespace endorm
