#include "app/python/scored_record.h"

#include <numeric>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "app/python/bindings.h"

namespace nb = nanobind;

namespace endorm {
namespace {

// Where each run of the model's own tokens begins.
std::vector<std::size_t> run_begins(const std::vector<bool>& mask) {
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] && (i == 0 || !mask[i - 1])) {
      begins.push_back(i);
    }
  }
  return mask.empty() ? std::vector<std::size_t>{0} : begins;
}

}  // namespace

std::optional<Tokens> token_turns(const ScoredResponse& response) {
  if (response.turns.empty()) {
    return std::nullopt;
  }
  Tokens of_tokens;
  for (std::size_t token = 0; token < response.token_ids.size(); ++token) {
    of_tokens.push_back(static_cast<Token>(turn_of(response.turns, token)));
  }
  return of_tokens;
}

std::optional<std::vector<std::size_t>> step_turns(const ScoredResponse& response) {
  if (response.turns.empty() || !response.aggregates) {
    return std::nullopt;
  }
  std::vector<std::size_t> of_steps;
  for (const StepReward& step : response.aggregates->steps) {
    of_steps.push_back(turn_of(response.turns, step.tokens.begin));
  }
  return of_steps;
}

std::optional<Tokens> token_places(const RequestResponse& given, const ScoredResponse& response) {
  if (!given.ids) {
    return std::nullopt;
  }
  const std::vector<std::size_t> begins = run_begins(given.mask);
  Tokens places(response.token_ids.size(), -1);
  for (std::size_t run = 0; run < begins.size(); ++run) {  // the last turns are these
    const TokenRange range = response.turns.empty()
                                 ? TokenRange{0, places.size()}
                                 : response.turns[response.turns.size() - begins.size() + run].tokens;
    std::iota(places.begin() + static_cast<std::ptrdiff_t>(range.begin),
              places.begin() + static_cast<std::ptrdiff_t>(range.end), static_cast<Token>(begins[run]));
  }
  return places;
}

void bind_turns(nb::module_& module) {
  nb::class_<TurnReward>(module, "TurnReward",
                         "One of the model's turns, or one run of its tokens between what others said: tokens [begin, "
                         "end) of the response's.")
      .def_ro("reward", &TurnReward::reward, "The aggregation that was chosen, over them.")
      .def_ro("sum", &TurnReward::sum, "Of alpha log pi, nats.")
      .def_ro("mean", &TurnReward::mean)
      .def_prop_ro("begin", [](const TurnReward& self) { return self.tokens.begin; })
      .def_prop_ro("end", [](const TurnReward& self) { return self.tokens.end; })
      .def("__repr__", [](const TurnReward& self) {
        return "<endorm.TurnReward [" + std::to_string(self.tokens.begin) + ", " + std::to_string(self.tokens.end) +
               ") reward " + std::to_string(self.reward) + ">";
      });
}

}  // namespace endorm
