#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>

#include "app/cli/bench_flags.h"
#include "app/cli/bench_json_commands.h"
#include "app/cli/bench_manifest.h"
#include "app/cli/commands.h"
#include "app/cli/exit_status.h"
#include "app/cli/progress.h"
#include "app/cli/scoring_run.h"
#include "core/errors.h"
#include "eval/judging_run.h"
#include "eval/shown_pairs.h"
#include "report/terminal_text.h"

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
  for (const std::string& path : {flags.json, flags.markdown, flags.html}) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder)) {
      throw InvalidInput("[bench] cannot write " + path + ": there is no directory " + folder.string());
    }
  }
}

StatsCache open_cache(const BenchFlags& flags) {
  if (flags.no_cache) {
    return StatsCache(std::nullopt);
  }
  std::error_code ignored;
  std::filesystem::create_directories(cache_directory(), ignored);
  return StatsCache(flags.cache.empty() ? cache_directory() + "/statistics.db" : flags.cache);
}

std::vector<Judge> make_judges(const BenchFlags& flags, const JudgeParts& parts) {
  std::vector<Judge> judges;
  for (const std::string& name : flags.judges) {
    for (const Judge& other : judges) {
      if (other.name == name) {
        throw InvalidInput("[--judge] " + name + " stands twice");
      }
    }
    judges.push_back(make_judge(name, parts));
  }
  return judges;
}

// One judge on all examples, its rows kept where --rows says so.
class JudgeRun {
 public:
  JudgeRun(const BenchFlags& flags, const Engine& engine, const DataSet& data)
      : flags_(flags), engine_(engine), data_(data) {
    for (const Example& example : data.examples) {
      bytes_ += text_bytes(example);
    }
  }

  std::vector<JudgedExample> rows_of(const Judge& judge) const {
    const JudgingOptions options{judge.compares_pairs, flags_.scoring.alpha, flags_.scoring.aggregate.chunk};
    std::optional<ResultLog> log;
    std::vector<JudgedExample> finished;
    if (!flags_.rows.empty()) {
      std::error_code ignored;
      std::filesystem::create_directories(flags_.rows, ignored);
      const std::string path = flags_.rows + "/" + data_.benchmark + "." + judge.name + ".jsonl";
      log.emplace(ResultLog::open(path, rows_manifest(flags_, engine_, data_, judge),
                                  flags_.overwrite ? ResultMode::kOverwrite : ResultMode::kResume));
      for (const std::string& notice : log->notices()) {
        std::fprintf(stderr, "endorm: %s\n", notice.c_str());
      }
      finished = read_judged_rows(path);
    }
    Progress bar(bytes_);
    const std::size_t computed_before = engine_.counts().tokens_computed;
    return run_judge(data_.examples, *judge.scorer, options, log ? &*log : nullptr, std::move(finished),
                     [&](const JudgingProgress& so_far) {
                       bar.update(so_far.bytes, so_far.examples, so_far.resumed, so_far.failures,
                                  engine_.counts().tokens_computed - computed_before);
                     });
  }

 private:
  const BenchFlags& flags_;
  const Engine& engine_;
  const DataSet& data_;
  std::size_t bytes_ = 0;
};

SweepReport run_sweep(const BenchFlags& flags, const JudgeParts& parts, const DataSet& data) {
  const std::vector<SweepSetting> settings = sweep_settings(flags);
  const auto scorer = [&](double alpha) {
    ScoreOptions options = parts.score;
    options.alpha = alpha;
    options.find_steps = options.find_steps || std::any_of(settings.begin(), settings.end(), [](const SweepSetting& s) {
                           return s.aggregation == Aggregation::kStepMean || s.aggregation == Aggregation::kMinStep;
                         });
    return std::unique_ptr<Scorer>(std::make_unique<EndogenousScorer>(parts.engine, parts.cache, options));
  };
  return sweep(data.benchmark, data.examples, scorer, settings, parts.score.aggregate, metric_options(flags));
}

void run_bench(const BenchFlags& flags) {
  check(flags);
  const Shard shard = shard_from(flags.shard);
  const ScoreOptions score = score_options(flags.scoring);
  DataSet data = read_benchmark(flags.benchmark, flags.data, read_options(flags));
  data.examples = examples_of(data.examples, shard);
  if (data.examples.empty()) {
    throw InvalidInput("[bench] no example is left to judge: " + counted(data.faults.size(), "row") +
                       " of the files cannot be used" +
                       (data.faults.empty() ? "" : ", the first because: " + data.faults.front().message));
  }
  const std::unique_ptr<Engine> engine = make_engine(flags.engine);
  const std::unique_ptr<Engine> reference = make_reference(flags.judge, flags.engine);
  StatsCache cache = open_cache(flags);
  const JudgeParts parts = make_judge_parts(flags.judge, *engine, reference.get(), cache, score);
  const std::vector<Judge> judges = make_judges(flags, parts);
  const MetricOptions metrics = metric_options(flags);

  BenchReport report;
  report.manifest = bench_manifest(flags, *engine, data, judges);
  report.benchmark = data.benchmark;
  report.faults = data.faults;
  report.notes = data.notes;
  const JudgeRun run(flags, *engine, data);
  for (const Judge& judge : judges) {
    report.judges.push_back(report_on(data.benchmark, judge.name, judge.fingerprint, run.rows_of(judge), metrics));
  }
  add_comparisons(report, metrics);
  report.shown = shown_pairs(data.examples, report.judges.front().rows, *judges.front().scorer, flags.shown);
  if (!flags.sweep.empty()) {
    report.sweep = run_sweep(flags, parts, data);
  }
  write_report(report, {flags.json, flags.markdown, flags.html, !flags.no_rows});
}

}  // namespace

void add_bench_command(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = app.add_subcommand("bench", "Compare judges on a benchmark, with intervals and tests");
  add_bench_flags(*command, *flags);
  add_reward_flags(*command, flags->scoring);
  add_judge_flags(*command, flags->judge);
  add_engine_flags(*command, flags->engine);
  add_bench_json_commands(*command);
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
