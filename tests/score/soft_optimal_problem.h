#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/random.h"
#include "engine/tabular_engine.h"

namespace endorm {

// A random row [n] that is a function of the path, and of nothing else, without being smooth in it.
inline std::vector<double> random_row(std::uint64_t seed, std::span<const Token> path, std::size_t n, double scale) {
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ (seed * 0x9e3779b97f4a7c15ULL);
  for (const Token token : path) {
    hash = (hash ^ static_cast<std::uint64_t>(token + 1)) * 0x100000001b3ULL;
  }
  RandomStream random(hash);
  std::vector<double> row(n);
  for (double& entry : row) {
    entry = scale * random.normal();
  }
  return row;
}

// The text form of the tabular engine.
inline std::string spelled(std::span<const Token> tokens) {
  std::string text;
  for (const Token token : tokens) {
    text += "[" + std::to_string(token) + "]";
  }
  return text;
}

// A token problem whose reward r(path, a) is known, and the soft-optimal Q of that reward by backward induction in long
// double: Q(s, a) = r(s, a) + V(s a), V(s) = alpha log sum exp(Q(s, .) / alpha), V = 0 behind the last token (token
// V - 1, the end of turn, or the horizon). A prompt is two tokens.
class SoftOptimalProblem {
 public:
  static constexpr std::size_t kPrompt = 2;

  SoftOptimalProblem(std::uint64_t seed, std::size_t tokens, std::size_t depth, double temperature)
      : vocabulary(tokens), horizon(depth), alpha(temperature), seed_(seed) {}

  double reward(const Tokens& path, Token action) const {
    return random_row(seed_, path, vocabulary, 3.0)[static_cast<std::size_t>(action)];
  }

  // Q(path, .) [V]
  const std::vector<long double>& q(const Tokens& path) {
    const auto known = q_.find(path);
    if (known != q_.end()) {
      return known->second;
    }
    const std::vector<double> rewards = random_row(seed_, path, vocabulary, 3.0);
    std::vector<long double> row(rewards.begin(), rewards.end());
    for (std::size_t action = 0; action < vocabulary; ++action) {
      Tokens after = path;
      after.push_back(static_cast<Token>(action));
      if (action != vocabulary - 1 && after.size() < kPrompt + horizon) {
        row[action] += value(after);
      }
    }
    return q_.emplace(path, std::move(row)).first->second;
  }

  long double value(const Tokens& path) {
    long double sum = 0.0L;
    for (const long double entry : q(path)) {
      sum += std::exp(entry / static_cast<long double>(alpha));
    }
    return static_cast<long double>(alpha) * std::log(sum);
  }

  long double log_prob(const Tokens& path, Token action) {
    return (q(path)[static_cast<std::size_t>(action)] - value(path)) / static_cast<long double>(alpha);
  }

  // Must not outlive the problem.
  TabularEngine::LogitFunction logits() {
    return [this](std::span<const Token> path) {
      const std::vector<long double>& row = q(Tokens(path.begin(), path.end()));
      return std::vector<double>(row.begin(), row.end());
    };
  }

  const std::size_t vocabulary;
  const std::size_t horizon;
  const double alpha;

 private:
  std::uint64_t seed_;
  std::map<Tokens, std::vector<long double>> q_;
};

}  // namespace endorm
