#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/bench_settings.h"
#include "app/cli/bench_flags.h"
#include "app/cli/commands.h"
#include "app/cli/judges_run.h"
#include "app/cli/scoring_run.h"
#include "app/judge_settings.h"
#include "core/errors.h"
#include "eval/shown.h"
#include "report/terminal_text.h"
#include "score/manifest.h"

namespace endorm {
namespace {

std::vector<SweepSetting> sweep_settings(const BenchFlags& flags) {
  const ScoreOptions score = score_options(flags.scoring);
  return parse_sweep(flags.sweep, {score.aggregate.kind, score.aggregate.gamma, score.alpha});
}

void check(const BenchFlags& flags) {
  if (flags.benchmark.empty()) {
    throw InvalidInput("[bench] which benchmark? `endorm bench list` gives their names");
  }
  if (flags.data.empty()) {
    throw InvalidInput("[bench] --data DIR is missing: where the benchmark's published files lie");
  }
  if (!flags.sweep.empty() && !flags.shard.empty()) {
    throw InvalidInput("[bench] --sweep needs every prompt: leave --shard out");
  }
  sweep_settings(flags);  // what is wrong in it is said before a model is loaded
  check_outputs("bench", flags.outputs, std::span(&flags.data, 1));
}

// Every temperature of a sweep comes from the pass that the judge needs anyway.
ScoreOptions options_for_all(const BenchFlags& flags) {
  ScoreOptions options = score_options(flags.scoring);
  if (!flags.sweep.empty()) {
    for (const SweepSetting& setting : sweep_settings(flags)) {
      options.also_alphas.push_back(setting.alpha);
    }
  }
  return options;
}

SweepReport run_sweep(const BenchFlags& flags, const JudgeParts& parts, const DataSet& data) {
  const std::vector<SweepSetting> settings = sweep_settings(flags);
  const auto scorer = [&](double alpha) {
    ScoreOptions options = parts.score;
    options.alpha = alpha;
    options.find_steps = options.find_steps || std::any_of(settings.begin(), settings.end(), [](const SweepSetting& s) {
                           return reads_steps(s.aggregation);
                         });
    return std::unique_ptr<Scorer>(std::make_unique<EndogenousScorer>(parts.engine, parts.cache, options));
  };
  return sweep(data.benchmark, data.examples, scorer, settings, parts.score.aggregate, flags.figures);
}

void run_bench(const BenchFlags& flags) {
  check(flags);
  const Shard shard = shard_from(flags.shard);
  const ScoreOptions score = options_for_all(flags);
  DataSet data = read_benchmark(flags.benchmark, flags.data, read_options(flags));
  data.examples = of_shard(data.examples, shard);
  if (data.examples.empty()) {
    throw InvalidInput("[bench] no example is left to judge: " + counted(data.faults.size(), "row") +
                       " of the files cannot be used" +
                       (data.faults.empty() ? "" : ", the first because: " + data.faults.front().message));
  }
  const std::unique_ptr<Engine> engine =
      flags.sweep.empty() ? make_engine_for(flags.judges, flags.engine) : make_engine(flags.engine);
  const std::unique_ptr<Engine> reference = make_reference(flags.judge, flags.engine);
  StatsCache cache = open_statistics_cache(flags.cache, flags.no_cache);
  const JudgeParts parts = make_judge_parts(flags.judge, *engine, reference.get(), cache, score);
  const std::vector<Judge> judges = make_judges(flags.judges, parts);

  BenchReport report = report_of(data);
  report.manifest = std::make_shared<nlohmann::ordered_json>(bench_manifest(flags, *engine, data, judges));
  add_judges(report, data.examples, judges, score, *engine, [&](const Judge& judge) {
    return KeptRows{flags.rows, data.benchmark + "." + judge.name + ".jsonl",
                    manifest_line(rows_manifest(flags, *engine, data, judge)), flags.overwrite};
  });
  measure_report(report, flags.figures);
  if (judges.front().reads_tokens) {
    add_shown(report, data.examples, *judges.front().scorer, flags.shown);
  }
  if (!flags.sweep.empty()) {
    report.sweep = run_sweep(flags, parts, data);
  }
  write_report("bench", report, flags.outputs);
}

}  // namespace

void add_bench_command(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = app.add_subcommand("bench", "Compare judges on a benchmark, with intervals and tests");
  command->add_option("benchmark", flags->benchmark, "a name that `endorm bench list` gives");
  command->add_option("-d,--data", flags->data, "directory with the benchmark's published files, or one of them");
  command
      ->add_option("-j,--judge", flags->judges, "judges, separated by commas; the others are compared with the first")
      ->delimiter(',');
  add_bench_json_commands(*command);
  add_bench_flags(*command, *flags);
  command->footer(
      "Example:\n"
      "  endorm bench rm-bench --data RM-Bench/total_dataset --judge endorm,verifier,length --json result.json");
  command->callback([command, flags] {
    if (command->get_subcommands().empty()) {
      run_bench(*flags);
    }
  });
}

}  // namespace endorm
