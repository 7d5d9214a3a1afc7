#include "tests/score/tabular_run.h"

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "core/errors.h"
#include "core/random.h"
#include "score/manifest.h"
#include "score/scored_json.h"
#include "tests/score/soft_optimal_problem.h"

namespace endorm {
namespace {

constexpr std::size_t kVocabulary = 5;

TabularEngine engine_of(const RunSetup& setup) {
  std::size_t calls = 0;
  const auto logits = [setup, calls](std::span<const Token> path) mutable {
    if (setup.on_state) {
      setup.on_state();
    }
    if (setup.poison && path.size() >= setup.poison->size() &&
        std::equal(setup.poison->begin(), setup.poison->end(), path.end() - setup.poison->size())) {
      throw EngineError("[tabular_run] the poisoned state was met.");
    }
    if (setup.calls_until_failure && ++calls > *setup.calls_until_failure) {
      throw EngineError("[tabular_run] the engine gave up.");
    }
    return random_row(setup.model.size(), path, kVocabulary, 4.0);
  };
  return TabularEngine(kVocabulary, logits, {.end_of_turn = true, .context = setup.context, .name = setup.model});
}

}  // namespace

std::string manifest_of(const RunSetup& setup) {
  const TabularEngine engine = engine_of(setup);
  const ModelInfo model = engine.model();
  const std::string shard = std::to_string(setup.shard.index) + "/" + std::to_string(setup.shard.count);
  return manifest_line(
      {{"endorm", "test"},
       {"model", model_part(model)},
       {"template", template_part(model.template_fingerprint, setup.score.text)},
       {"options", options_part({setup.score, {.tokens = true, .steps = false}}, setup.context, shard)},
       {"data", {{"file", setup.input}, {"sha256", setup.data_sha256}}},
       {"run", {{"started", setup.started}, {"host", "here"}}}});
}

RunSummary run(const RunSetup& setup, RecordInput& reader, ResultLog& log, const RunProgress& progress) {
  TabularEngine engine = engine_of(setup);
  StatsCache cache(std::nullopt);
  EndogenousScorer scorer(engine, cache, setup.score);
  RowSink sink(log, [](const Request& request, const Scored& scored) {
    return scored_row(request, scored, {.tokens = true, .steps = false});
  });
  RunOptions options;
  options.step_separator = setup.score.step_separator;
  options.shard = setup.shard;
  return score_lines(reader, scorer, sink, options, progress);
}

RunSummary run(const RunSetup& setup) {
  const std::unique_ptr<RecordInput> reader = open_records(setup.input);
  ResultLog log = ResultLog::open(setup.output, manifest_of(setup), ResultMode::kResume);
  return run(setup, *reader, log, {});
}

std::string random_records(std::size_t count, std::uint64_t seed) {
  RandomStream random(seed);
  const auto text = [&](std::size_t most) {
    Tokens tokens(1 + random.below(most));
    for (Token& token : tokens) {
      token = static_cast<Token>(random.below(kVocabulary - 1));
    }
    return spelled(tokens);
  };
  std::string lines;
  for (std::size_t i = 0; i < count; ++i) {
    nlohmann::json record = {{"id", std::to_string(seed) + "-" + std::to_string(i)}, {"prompt", text(3)}};
    for (std::size_t k = 1 + random.below(4); k > 0; --k) {
      record["responses"].push_back(text(8));
    }
    lines += record.dump() + "\n";
  }
  return lines;
}

int exit_status(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
    return -1;
  }
  return WEXITSTATUS(status);
}

}  // namespace endorm
