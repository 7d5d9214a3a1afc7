#pragma once

#include <mutex>
#include <optional>

// The Python module endorm._core. Shapes in comments are those of NumPy arrays: T tokens of a response, V vocabulary.
// Whatever computes releases the interpreter's lock; engines are guarded by one of their own, taken after that release
// and never held while Python runs.

#include "app/engine_settings.h"
#include "engine/engine.h"
#include "score/scorer.h"
#include "score/stats_cache.h"

namespace nanobind {
class module_;
}

namespace endorm {

// An engine that many Python threads may use: one at a time is let in.
struct GuardedEngine {
  // Loads the model; `cache` is the file of token statistics, none: a private one for each call. Throws as make_engine
  // and StatsCache do.
  GuardedEngine(EngineSettings from, const std::optional<std::string>& cache);

  EngineSettings settings;
  std::unique_ptr<Engine> engine;
  std::optional<StatsCache> cache;
  std::mutex busy;
};

// A scorer whose engines are guarded: each call waits for them.
class GuardedScorer final : public Scorer {
 public:
  // All must outlive it. reference may be null or the engine itself.
  GuardedScorer(Scorer& scorer, GuardedEngine& engine, GuardedEngine* reference);
  std::vector<Scored> score(std::span<const Request> requests) override;

 private:
  Scorer& scorer_;
  GuardedEngine& engine_;
  GuardedEngine* reference_;
};

void bind_engine(nanobind::module_& module);
void bind_option_types(nanobind::module_& module);
void bind_turns(nanobind::module_& module);
void bind_scored(nanobind::module_& module);
void bind_scoring(nanobind::module_& module);
void bind_rewards(nanobind::module_& module);
void bind_grading(nanobind::module_& module);
void bind_bench(nanobind::module_& module);
void bind_generation(nanobind::module_& module);

}  // namespace endorm
