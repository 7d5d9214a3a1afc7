// Length bias: which length each aggregation prefers, with the probability of ending the turn under control. Scored by
// the scorer itself, over a tabular engine.
#include <algorithm>
#include <cmath>
#include <string>

#include "core/errors.h"
#include "engine/tabular_engine.h"
#include "lab/claims.h"
#include "lab/fits.h"
#include "score/endogenous_scorer.h"

namespace endorm::lab {
namespace {

constexpr std::size_t kVocabulary = 4;
constexpr std::size_t kLongest = 64;  // tokens, the end of turn included
constexpr double kGamma = 0.93;
// Of the tokens that are no end of turn, given that there is none.
constexpr double kContent[kVocabulary - 1] = {0.7, 0.2, 0.1};

std::vector<double> logits(double end) {
  std::vector<double> row;
  row.reserve(kVocabulary);
  for (const double probability : kContent) {
    row.push_back(std::log((1.0 - end) * probability));
  }
  row.push_back(std::log(end));
  return row;
}

constexpr std::size_t kAggregations = 3;
constexpr const char* kNames[kAggregations] = {"sum", "mean", "discounted 0.93"};

// The rewards of some responses, [N] each.
struct Curves {
  std::vector<double> lengths;
  std::vector<double> rewards[kAggregations];
};

Curves scored(double end, std::span<const std::string> texts) {
  TabularEngine engine(kVocabulary, [end](std::span<const Token>) { return logits(end); },
                       {.end_of_turn = true, .name = "length " + std::to_string(end)});
  StatsCache cache{std::nullopt};
  ScoreOptions options;
  options.aggregate.gamma = kGamma;
  EndogenousScorer scorer(engine, cache, options);
  Request request;
  request.id = "lengths";
  request.messages = {{"user", "[0]"}};
  for (const std::string& text : texts) {
    request.responses.push_back({{text}, {}});
  }
  Curves curves;
  const std::vector<Scored> record = scorer.score(std::span(&request, 1));
  for (const ScoredOutcome& outcome : record.front().responses) {
    if (!outcome.scored) {
      throw InternalError("[length_bias] a response has no score: " + outcome.error);
    }
    curves.lengths.push_back(static_cast<double>(outcome.scored->tokens.size()));
    const Aggregates& aggregates = *outcome.scored->aggregates;
    curves.rewards[0].push_back(aggregates.sum);
    curves.rewards[1].push_back(aggregates.mean);
    curves.rewards[2].push_back(aggregates.discounted);
  }
  return curves;
}

// 2 to kLongest tokens, all at one end-of-turn probability.
Curves likeliest_of_each_length(double end) {
  std::vector<std::string> texts{"[0]"};
  while (texts.size() + 1 < kLongest) {
    texts.push_back(texts.back() + "[0]");
  }
  return scored(end, texts);
}

double best_length(const Curves& curves, const std::vector<double>& rewards) {
  return curves.lengths[static_cast<std::size_t>(std::max_element(rewards.begin(), rewards.end()) - rewards.begin())];
}

// What a policy that maximises each aggregation would write.
std::vector<Finding> preferred_lengths() {
  double longest_of_sum = 0.0;
  double shortest_of_mean = kLongest;
  double wrong = 0.0;
  Plot best{"The length with the highest reward", "probability of ending the turn", "tokens", true, false, {}};
  Plot curves_at{"Reward against length, turn ends with probability 0.02", "tokens", "reward (nats)", false, false, {}};
  for (const char* name : kNames) {
    best.series.push_back({name, {}, {}});
  }
  for (const double end : {0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8}) {
    const Curves curves = likeliest_of_each_length(end);
    const double token = std::log((1.0 - end) * kContent[0]);
    const bool ending_is_dear = std::log(end) < token;
    // The same from the formulas. Discounted, one token more adds gamma^(T-1) (log m - (1 - gamma) log end).
    const double expected_discounted = token > (1.0 - kGamma) * std::log(end) ? kLongest : 2.0;
    double found[kAggregations];
    for (std::size_t i = 0; i < kAggregations; ++i) {
      found[i] = best_length(curves, curves.rewards[i]);
      best.series[i].add(end, found[i]);
      if (end == 0.02) {
        curves_at.series.push_back({kNames[i], curves.lengths, curves.rewards[i]});
      }
    }
    longest_of_sum = std::max(longest_of_sum, found[0]);
    if (ending_is_dear) {
      shortest_of_mean = std::min(shortest_of_mean, found[1]);
    }
    wrong += (found[0] != 2.0) + (found[1] != (ending_is_dear ? static_cast<double>(kLongest) : 2.0)) +
             (found[2] != expected_discounted);
  }
  return {
      at_most(
          "A sum prefers the shortest response, whatever ending the turn costs", longest_of_sum, 2.0,
          "tokens of the likeliest response that it prefers, of 2 to 64; probability of ending the turn 0.002 to 0.8",
          {best, curves_at}),
      at_least("A mean prefers the longest one wherever ending the turn is dearer than the likeliest token",
               shortest_of_mean, static_cast<double>(kLongest), "tokens, at those probabilities"),
      at_most("The formulas say which length each prefers (discounted: longest where log m > (1 - gamma) log end, else "
              "shortest)",
              wrong, 0.0, "lengths told wrongly, of 33; m is the likeliest token's probability")};
}

// How reward and length go together over responses that the model itself writes.
std::vector<Finding> correlations(const ClaimOptions& options) {
  RandomStream random(options.seed);
  const std::size_t responses = options.problems(1000);
  std::vector<std::string> texts;
  texts.reserve(responses);
  for (std::size_t i = 0; i < responses; ++i) {
    std::string& text = texts.emplace_back("[0]");
    while (text.size() / 3 + 1 < kLongest && random.uniform() >= 0.05) {
      const double place = random.uniform();
      text += place < kContent[0] ? "[0]" : place < kContent[0] + kContent[1] ? "[1]" : "[2]";
    }
  }
  const Curves curves = scored(0.05, texts);
  const double sum = correlation(curves.lengths, curves.rewards[0]);
  const double mean = correlation(curves.lengths, curves.rewards[1]);
  const double discounted = correlation(curves.lengths, curves.rewards[2]);
  const std::string over = "correlation of reward and length over " + std::to_string(responses) +
                           " responses drawn at end-of-turn probability 0.05";
  return {at_most("Among the model's own responses a sum falls with length", sum, -0.9, over),
          at_least("a mean rises with it", mean, 0.2, over),
          at_most("and a discounted sum (gamma 0.93) is less tied to length than a sum", std::abs(discounted),
                  std::abs(sum),
                  "absolute value; discounted " + text(discounted) + ", sum " + text(sum) + ", mean " + text(mean))};
}

}  // namespace

std::vector<Finding> length_bias(const ClaimOptions& options) {
  return joined({preferred_lengths(), correlations(options)});
}

}  // namespace endorm::lab
