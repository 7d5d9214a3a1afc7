#include "score/kept_steps.h"

#include <algorithm>
#include <string>

namespace endorm {
namespace {

constexpr std::chrono::seconds kInterval{10};

}  // namespace

KeptSteps::KeptSteps(StatsCache& cache, const Digest& evaluation)
    : cache_(cache), evaluation_(evaluation), last_write_(std::chrono::steady_clock::now()) {}

Digest KeptSteps::key_of(std::size_t step) const {
  Sha256 hash;
  hash.update("endorm step 1");
  hash.update(evaluation_.data(), evaluation_.size());
  hash.update(std::to_string(step));
  return hash.finish();
}

std::optional<std::vector<TokenStats>> KeptSteps::find(std::size_t step) {
  steps_ = std::max(steps_, step + 1);
  return cache_.find(key_of(step));
}

void KeptSteps::keep(std::size_t step, std::span<const TokenStats> stats) {
  steps_ = std::max(steps_, step + 1);
  waiting_.emplace_back(key_of(step), std::vector<TokenStats>(stats.begin(), stats.end()));
  const auto now = std::chrono::steady_clock::now();
  if (now - last_write_ < kInterval) {
    return;
  }
  StatsCache::Transaction transaction(cache_);
  for (const auto& [key, kept] : waiting_) {
    transaction.insert(key, kept);
  }
  transaction.commit();
  waiting_.clear();
  last_write_ = now;
}

void KeptSteps::forget(StatsCache::Transaction& transaction) const {
  for (std::size_t step = 0; step < steps_; ++step) {  // also what an earlier run wrote and this one computed again
    transaction.erase(key_of(step));
  }
}

}  // namespace endorm
