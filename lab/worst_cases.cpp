#include "lab/worst_cases.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/errors.h"
#include "lab/policies.h"

namespace endorm::lab {
namespace {

void require_even(std::size_t actions, const char* function) {
  if (actions >= 2 && actions % 2 == 0) {
    return;
  }
  throw InvalidInput(std::string("[") + function + "] " + std::to_string(actions) +
                     " tokens cannot be split evenly; give an even number");
}

// log probabilities [V] of token 0 with 1 - rest, the others sharing rest.
std::vector<double> mostly_first(std::size_t actions, double rest) {
  std::vector<double> row(actions, std::log(rest / static_cast<double>(actions - 1)));
  row[0] = std::log1p(-rest);
  return row;
}

std::vector<double> uniform(std::size_t actions) {
  return std::vector<double>(actions, -std::log(static_cast<double>(actions)));
}

// One more step: its states' rows follow.
void open_step(WorstCase& built) {
  built.mdp.layers.emplace_back();
  built.expert.emplace_back();
  built.model.emplace_back();
}

// next(a) is the state of the following step that a token leads to.
template <typename Next>
void add_state(WorstCase& built, const std::vector<double>& expert, const std::vector<double>& model,
               const Next& next) {
  Layer& layer = built.mdp.layers.back();
  ++layer.states;
  for (std::size_t a = 0; a < expert.size(); ++a) {
    built.expert.back().push_back(expert[a]);
    built.model.back().push_back(model[a]);
    layer.rewards.push_back(built.alpha * expert[a]);
    layer.successors.push_back({next(a), 1.0});
  }
}

void finish(WorstCase& built) {
  built.mdp.initial = {1.0};
  if (!built.mdp.layers.empty()) {
    built.mdp.layers.back().successors.clear();
  }
  check(built.mdp);
}

}  // namespace

WorstCase slippery_chain(const SlipShape& shape) {
  require_even(shape.actions, "slippery_chain");
  enum State : std::size_t { kChain, kDecoy, kNoise };
  const double slip_of_model = shape.slip * std::exp(shape.eps);
  const double slip_of_decoy = shape.slip * (1.0 + 0.9 * std::expm1(shape.eps));
  if (!(shape.slip > 0.0 && slip_of_model <= 0.5)) {
    throw InvalidInput("[slippery_chain] slip is " + std::to_string(shape.slip) + " and e^eps slip " +
                       std::to_string(slip_of_model) + "; slip must be above 0, e^eps slip at most 0.5");
  }
  WorstCase built;
  built.alpha = shape.alpha;
  built.mdp.actions = shape.actions;
  for (std::size_t h = 0; h < shape.horizon; ++h) {
    open_step(built);
    const std::vector<double> noise = uniform(shape.actions);
    if (h == 0) {
      add_state(built, noise, noise, [](std::size_t a) { return a % 2 == 0 ? kChain : kDecoy; });
      continue;
    }
    const std::vector<double> decoy = mostly_first(shape.actions, slip_of_decoy);
    add_state(built, mostly_first(shape.actions, shape.slip), mostly_first(shape.actions, slip_of_model),
              [](std::size_t a) { return a == 0 ? kChain : kNoise; });
    add_state(built, decoy, decoy, [](std::size_t a) { return a == 0 ? kDecoy : kNoise; });
    add_state(built, noise, noise, [](std::size_t) { return kNoise; });
  }
  finish(built);
  return built;
}

WorstCase walk(std::size_t actions, std::size_t horizon, double alpha, double eps) {
  require_even(actions, "walk");
  const std::size_t half = horizon / 2;
  const double width = static_cast<double>(half);
  std::vector<double> up(actions, 0.0);  // weights: even tokens go up
  for (std::size_t a = 0; a < actions; a += 2) {
    up[a] = 1.0;
  }
  const std::vector<double> even_odds = uniform(actions);
  const std::vector<double> upwards = tilted(even_odds, up, eps);
  WorstCase built;
  built.alpha = alpha;
  built.mdp.actions = actions;
  for (std::size_t h = 0; h < half; ++h) {
    open_step(built);
    for (std::size_t ups = 0; ups <= h; ++ups) {
      add_state(built, even_odds, upwards, [&](std::size_t a) { return ups + (a + 1) % 2; });
    }
  }
  for (std::size_t h = 0; h < half; ++h) {
    open_step(built);
    for (std::size_t ups = 0; ups <= half; ++ups) {
      // The walk ends at half / 2 ups, give or take sqrt(half) / 2.
      const double high = 0.5 * width + (static_cast<double>(ups) - 0.5 * width) * 0.5 * std::sqrt(width);
      const bool noise = static_cast<double>(h) < std::clamp(high, 0.0, width);
      const std::vector<double> row = noise ? even_odds : mostly_first(actions, 1e-3);
      add_state(built, row, row, [&](std::size_t) { return ups; });
    }
  }
  finish(built);
  return built;
}

}  // namespace endorm::lab
