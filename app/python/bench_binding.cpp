#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <nlohmann/json.hpp>

#include "app/bench_settings.h"
#include "app/python/bindings.h"
#include "app/python/keywords.h"
#include "core/errors.h"
#include "eval/bench_json.h"
#include "eval/bench_report.h"
#include "eval/benchmarks.h"
#include "eval/judging_run.h"
#include "judge/judge.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace endorm {
namespace {

// Examples judged, examples in all.
using BenchProgress = std::function<void(std::size_t, std::size_t)>;

std::vector<Judge> judges_on(const BenchSettings& settings, GuardedEngine& engine, GuardedEngine* reference,
                             StatsCache& cache) {
  Engine* other = reference == nullptr ? nullptr : reference->engine.get();
  const std::scoped_lock alone(engine.busy);
  return make_judges(settings.judges,
                     make_judge_parts(settings.judge, *engine.engine, other, cache, score_options(settings.scoring)));
}

// The report of a benchmark as one JSON text, rows included.
std::string bench(GuardedEngine& engine, std::string benchmark, std::string data, std::vector<std::string> judges,
                  GuardedEngine* reference, const std::optional<BenchProgress>& progress, const nb::kwargs& options) {
  BenchSettings settings;
  Keywords keywords("bench", options);
  keywords.read(bench_options(), settings, is_of_calls);
  keywords.read(reward_options(), settings.scoring);
  keywords.refuse_others();
  const nb::gil_scoped_release released;
  settings.benchmark = std::move(benchmark);
  settings.data = std::move(data);
  settings.judges = std::move(judges);
  settings.engine = engine.settings;

  const ScoreOptions score = score_options(settings.scoring);
  const DataSet set = read_benchmark(settings.benchmark, settings.data, read_options(settings));
  if (set.examples.empty()) {
    throw InvalidInput("[bench] no example is left to judge" +
                       (set.faults.empty() ? std::string() : ", the first because: " + set.faults.front().message));
  }
  StatsCache own_cache(std::nullopt);
  const std::vector<Judge> made = judges_on(settings, engine, reference, engine.cache ? *engine.cache : own_cache);
  BenchReport report = report_of(set);
  {
    const std::scoped_lock alone(engine.busy);
    report.manifest = std::make_shared<nlohmann::ordered_json>(bench_manifest(settings, *engine.engine, set, made));
  }
  std::size_t done_before = 0;
  for (const Judge& judge : made) {
    GuardedScorer scorer(*judge.scorer, engine, reference);
    const JudgingOptions judging{judge.compares_pairs, score.alpha, score.aggregate.chunk};
    const auto told = [&](const JudgingProgress& so_far) {
      if (progress) {
        (*progress)(done_before + so_far.examples, set.examples.size() * made.size());
      }
    };
    JudgeReport& own = report.judges.emplace_back();
    own.name = judge.name;
    own.fingerprint = judge.fingerprint;
    own.rows = run_judge(set.examples, scorer, judging, nullptr, {}, told);
    done_before += set.examples.size();
  }
  measure_report(report, settings.figures);
  return bench_json(report, true);
}

std::vector<std::string> names_of(const auto& named) {
  std::vector<std::string> names;
  for (const auto& one : named) {
    names.emplace_back(one.name);
  }
  return names;
}

}  // namespace

void bind_bench(nb::module_& module) {
  module.def("bench", &bench, "engine"_a, "benchmark"_a, "data"_a, nb::kw_only(), "judges"_a, "reference"_a.none(),
             "progress"_a = nb::none(), "options"_a,
             nb::sig("def bench(engine: Engine, benchmark: str, data: str, *, judges: Sequence[str], "
                     "reference: Engine | None, progress: collections.abc.Callable[[int, int], None] | None = ..., "
                     "**options: typing_extensions.Unpack[endorm._options.BenchOptions]) -> str"));
  module.def(
      "judge_names", [] { return names_of(judge_names()); }, "The judges that bench knows.");
  module.def(
      "benchmark_names", [] { return names_of(benchmark_names()); }, "The benchmarks that bench reads.");
}

}  // namespace endorm
