#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/tabular_engine.h"
#include "eval/example.h"
#include "eval/judged.h"
#include "score/scorer.h"

namespace endorm::test {

// Tokens of random_engine and of the texts below.
inline constexpr std::size_t kTokens = 5;

// A model whose logits are random, and the same for the same path.
TabularEngine random_engine();

// An example whose texts are the tabular engine's; comparisons [i]: {better, worse}.
Example example_of(const std::string& id, const std::string& prompt, const std::vector<std::string>& responses,
                   const std::vector<std::pair<std::size_t, std::size_t>>& comparisons);

// Random prompts of one to six tokens with two to four responses of one to twelve: the first is better than each
// other, and the last than the first as well. Two subsets.
std::vector<Example> random_examples(std::size_t count, std::uint64_t seed);

// Keeps what was asked of a scorer.
class Recorder final : public Scorer {
 public:
  explicit Recorder(Scorer& scorer) : scorer_(scorer) {}

  std::vector<Scored> score(std::span<const Request> requests) override {
    calls.emplace_back(requests.begin(), requests.end());
    return scorer_.score(requests);
  }

  std::vector<std::vector<Request>> calls;

 private:
  Scorer& scorer_;
};

// Every field equal, numbers bit for bit.
void check_same(const JudgedExample& found, const JudgedExample& expected);
void check_same(const std::vector<JudgedExample>& found, const std::vector<JudgedExample>& expected);

}  // namespace endorm::test
