#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/eval_math_flags.h"
#include "app/cli/judges_run.h"
#include "app/cli/progress.h"
#include "app/cli/scoring_run.h"
#include "app/cli/stop_notice.h"
#include "core/errors.h"
#include "engine/generator.h"
#include "eval/shown.h"
#include "report/terminal_text.h"
#include "score/manifest.h"

namespace endorm {
namespace {

void check(const EvalMathFlags& flags) {
  if (flags.suites.empty()) {
    throw InvalidInput("[eval math] which suites? `endorm eval list` names them for --suite");
  }
  check_outputs("eval math", flags.outputs, flags.suites);
}

std::vector<Example> drawn_samples(const EvalMathFlags& flags, const DataSet& set, const MathSamplingOptions& options,
                                   Engine& engine) {
  const KeptRows kept{flags.rows, "samples.jsonl",
                      manifest_line(math_manifest(flags, engine, ManifestOf::kDrawn, set, options)), flags.overwrite};
  std::optional<ResultLog> log = open_rows(kept);
  std::vector<Example> finished = log ? read_samples(kept.path()) : std::vector<Example>{};
  const auto start = std::chrono::steady_clock::now();
  MathSamplingProgress last;
  std::vector<Example> samples;
  {
    const auto written = [&] { return engine.generator()->tokens_computed_to_generate(); };
    Progress bar(set.examples.size() * options.samples, "samples", written);
    StopNotice notice;
    samples = draw_samples(set.examples, engine, options, log ? &*log : nullptr, std::move(finished),
                           [&](const MathSamplingProgress& so_far) {
                             last = so_far;
                             if (log) {
                               notice.say(what_is_kept(kept.path(), so_far.samples));
                             }
                             bar.update(so_far.samples, so_far.samples, so_far.resumed, so_far.failed, written());
                           });
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::fprintf(stderr, "%s drawn, %zu from an earlier run; %zu tokens written in %.1f s\n",
               counted(last.drawn, "sample").c_str(), last.resumed, last.tokens, seconds);
  return samples;
}

// Samples are drawn; what follows is the benchmark "bestof" on them.
void run_eval_math(const EvalMathFlags& asked) {
  check(asked);
  EvalMathFlags flags = asked;
  flags.engine = engine_flags(asked);
  const Shard shard = shard_from(flags.shard);
  const MathSamplingOptions sampling = sampling_options(flags);
  const ScoreOptions score = score_options(flags.scoring);
  DataSet set = read_math_suites(flags.suites, flags.directories, read_options(flags));
  set.examples = of_shard(set.examples, shard);
  if (set.examples.empty()) {
    throw InvalidInput("[eval math] the shard " + flags.shard + " has no problem");
  }
  const std::unique_ptr<Engine> engine = make_engine(flags.engine);
  const std::unique_ptr<Engine> reference = make_reference(flags.judge, flags.engine);
  StatsCache cache = open_statistics_cache(flags.cache, flags.no_cache);
  const std::vector<Judge> judges =
      make_judges(flags.judges, make_judge_parts(flags.judge, *engine, reference.get(), cache, score));

  DataSet data = set;
  data.benchmark = flags.benchmark;
  data.examples = drawn_samples(flags, set, sampling, *engine);
  BenchReport report = report_of(data);
  const nlohmann::ordered_json of_rewards = math_manifest(flags, *engine, ManifestOf::kRewards, set, sampling);
  report.manifest = std::make_shared<nlohmann::ordered_json>(figures_manifest(flags, of_rewards, judges));
  add_judges(report, data.examples, judges, score, *engine, [&](const Judge& judge) {
    nlohmann::ordered_json manifest = of_rewards;
    manifest["judge"] = judge_part(judge);
    return KeptRows{flags.rows, "rewards." + judge.name + ".jsonl", manifest_line(manifest), flags.overwrite};
  });
  measure_report(report, flags.figures);
  if (!judges.empty() && judges.front().reads_tokens) {
    add_shown(report, data.examples, *judges.front().scorer, flags.shown);
  }
  write_report("eval math", report, flags.outputs);
}

void list() {
  print_names("suites of eval math", math_suite_names());
  std::printf("  %-14s a .json or .jsonl file of {\"question\", \"answer\"}\n", "one's own");
  print_judges();
}

}  // namespace

void add_eval_command(CLI::App& app) {
  CLI::App* eval = app.add_subcommand("eval", "Measure a model: mathematical suites");
  eval->require_subcommand(1);
  auto flags = std::make_shared<EvalMathFlags>();
  CLI::App* math = eval->add_subcommand("math", "Draw answers to mathematical problems, grade them, let judges choose");
  add_eval_math_flags(*math, *flags);
  math->footer(
      "Example:\n"
      "  endorm eval math --suite gsm8k,math500 --data DATA --samples 8 --judge endorm,self-certainty --json "
      "math.json");
  math->callback([flags] { run_eval_math(*flags); });
  eval->add_subcommand("list", "List suites, with the files that they read, and judges")->callback(list);
  add_merge_command(*eval, "eval");
}

}  // namespace endorm
