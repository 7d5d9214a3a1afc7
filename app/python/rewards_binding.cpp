#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "app/python/bindings.h"
#include "app/python/token_arrays.h"
#include "core/aggregate.h"
#include "core/errors.h"
#include "core/log_sum_exp.h"
#include "core/reward.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace endorm {
namespace {

// The quantities of some tokens.
struct TokenRewards {
  SharedTokens tokens;
};

template <auto kQuantity>
nb::object column(const TokenRewards& self) {
  return token_array(self.tokens, kQuantity);
}

using Numbers = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Row = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Logits = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Ids = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// log_probs [T] -> every aggregation.
Aggregates aggregate_array(const Numbers& log_probs, const std::vector<std::pair<std::size_t, std::size_t>>& steps,
                           double alpha, double gamma, double floor, std::size_t chunk, std::size_t last_k,
                           std::optional<double> value) {
  AggregateOptions options;
  options.gamma = gamma;
  options.floor = floor;
  options.chunk = chunk;
  options.last_k = last_k;
  options.initial_value = value.has_value();
  const nb::gil_scoped_release released;
  std::vector<TokenRange> ranges;
  for (const auto& [begin, end] : steps) {
    ranges.push_back({begin, end});
  }
  return aggregate({log_probs.data(), log_probs.size()}, ranges, alpha, options, value);
}

// logits [T,V] and the tokens taken [T] -> the paper's quantities of each.
TokenRewards rewards_of(const Logits& logits, const Ids& ids, double alpha) {
  const std::size_t count = logits.shape(0);
  const std::size_t vocabulary = logits.shape(1);
  if (ids.shape(0) != count) {
    throw InvalidInput("[token_rewards] " + std::to_string(ids.shape(0)) + " token ids for " + std::to_string(count) +
                       " rows of logits. Give logits [T,V] and ids [T].");
  }
  const nb::gil_scoped_release released;
  std::vector<TokenStats> stats;
  for (std::size_t h = 0; h < count; ++h) {
    const std::int64_t id = ids.data()[h];
    if (id < 0 || static_cast<std::size_t>(id) >= vocabulary) {
      throw InvalidInput("[token_rewards] token id " + std::to_string(id) + " at " + std::to_string(h) +
                         " is outside the vocabulary of " + std::to_string(vocabulary));
    }
    const std::span<const float> row(logits.data() + h * vocabulary, vocabulary);
    stats.push_back(token_stats(static_cast<double>(row[static_cast<std::size_t>(id)]), row_statistics(row, alpha)));
  }
  return {std::make_shared<const std::vector<TokenReward>>(token_rewards(stats, alpha))};
}

}  // namespace

void bind_rewards(nb::module_& module) {
  nb::class_<StepReward>(module, "StepReward", "One step of a response: tokens [begin, end) and their alpha log pi.")
      .def_prop_ro("begin", [](const StepReward& self) { return self.tokens.begin; })
      .def_prop_ro("end", [](const StepReward& self) { return self.tokens.end; })
      .def_ro("sum", &StepReward::sum)
      .def_ro("mean", &StepReward::mean);
  nb::class_<Aggregates>(module, "Aggregates", "Every aggregation of alpha log pi over one response, in nats.")
      .def_ro("sum", &Aggregates::sum)
      .def_ro("mean", &Aggregates::mean)
      .def_ro("discounted", &Aggregates::discounted)
      .def_ro("chunked_mean", &Aggregates::chunked_mean)
      .def_ro("last_k", &Aggregates::last_k)
      .def_ro("steps", &Aggregates::steps)
      .def_ro("step_mean", &Aggregates::step_mean, "None where there are no steps.")
      .def_ro("min_step", &Aggregates::min_step, "None where there are no steps.")
      .def(
          "__getitem__",
          [](const Aggregates& self, const std::string& name) {
            return chosen_reward(self, aggregation_from_name(name));
          },
          "aggregation"_a, "The one of this name. Raises ValueError where it needs steps and there are none.")
      .def("__repr__", [](const Aggregates& self) {
        return "<endorm.Aggregates discounted " + std::to_string(self.discounted) + ", sum " +
               std::to_string(self.sum) + ", mean " + std::to_string(self.mean) + ">";
      });
  nb::class_<TokenRewards>(module, "TokenRewards", "The paper's quantities of T tokens, as read-only arrays [T].")
      .def_prop_ro("rewards", &column<&TokenReward::reward>,
                   nb::sig("def rewards(self) -> numpy.typing.NDArray[numpy.float64]"),
                   "r_h = Q(s_h, a_h) - V(s_{h+1})")
      .def_prop_ro("log_probs", &column<&TokenReward::log_prob>,
                   nb::sig("def log_probs(self) -> numpy.typing.NDArray[numpy.float64]"), "log pi(a_h | s_h), nats")
      .def_prop_ro("q", &column<&TokenReward::q>, nb::sig("def q(self) -> numpy.typing.NDArray[numpy.float64]"),
                   "Q(s_h, a_h)")
      .def_prop_ro("values", &column<&TokenReward::value>,
                   nb::sig("def values(self) -> numpy.typing.NDArray[numpy.float64]"), "V(s_h)")
      .def_prop_ro("entropies", &column<&TokenReward::entropy>,
                   nb::sig("def entropies(self) -> numpy.typing.NDArray[numpy.float64]"), "of pi(. | s_h), nats")
      .def("__len__", [](const TokenRewards& self) { return self.tokens->size(); });

  const AggregateOptions defaults;
  module.def("aggregate", &aggregate_array, "log_probs"_a, nb::kw_only(),
             "steps"_a = std::vector<std::pair<std::size_t, std::size_t>>{}, "alpha"_a = 1.0,
             "gamma"_a = defaults.gamma, "floor"_a = defaults.floor, "chunk"_a = defaults.chunk,
             "last_k"_a = defaults.last_k, "value"_a = nb::none(),
             "log pi of T tokens, float64 [T], to every aggregation. steps are token ranges [(begin, end)] that cover "
             "[0, T); value is V(s_1), added where it is given. Raises ValueError on an empty array, steps that do not "
             "cover it, and options out of their range.");
  module.def("token_rewards", &rewards_of, "logits"_a, "token_ids"_a, nb::kw_only(), "alpha"_a = 1.0,
             "The inverse soft Bellman operator on raw logits of your own: logits float32 [T,V], read in place, where "
             "row h stands before token h; token_ids int64 [T]. V after the last token is 0. Raises ValueError where "
             "shapes disagree, an id is outside the vocabulary, or a logit is not finite.");
  module.def(
      "soft_value",
      [](const Row& logits, double alpha) {
        return soft_value(std::span<const float>(logits.data(), logits.size()), alpha);
      },
      "logits"_a, nb::kw_only(), "alpha"_a = 1.0, "V(s) = alpha logsumexp(Q(s, .) / alpha) of raw logits float32 [V].");
  module.def("preference_probability", &preference_probability, "first_reward"_a, "second_reward"_a,
             "P(first preferred over second) = sigmoid(first - second).");
}

}  // namespace endorm
