#include <utility>

#include "app/python/bindings.h"

namespace endorm {

GuardedEngine::GuardedEngine(EngineSettings from, const std::optional<std::string>& cache_file)
    : settings(std::move(from)) {
  if (cache_file) {
    cache.emplace(cache_file);  // what is wrong with it is said before a model is loaded
  }
  engine = make_engine(settings);
}

GuardedScorer::GuardedScorer(Scorer& scorer, GuardedEngine& engine, GuardedEngine* reference)
    : scorer_(scorer), engine_(engine), reference_(reference == &engine ? nullptr : reference) {}

std::vector<Scored> GuardedScorer::score(std::span<const Request> requests) {
  if (reference_ != nullptr) {
    const std::scoped_lock both(engine_.busy, reference_->busy);
    return scorer_.score(requests);
  }
  const std::scoped_lock one(engine_.busy);
  return scorer_.score(requests);
}

}  // namespace endorm
