#include "eval/shown.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"

namespace endorm {
namespace {

struct Place {
  std::size_t example;
  std::size_t comparison;
  double margin;
};

std::vector<double> log_probs(const ScoredResponse& scored) {
  std::vector<double> log_probs;
  for (const TokenReward& token : scored.tokens) {
    log_probs.push_back(token.log_prob);
  }
  return log_probs;
}

ShownResponse shown(const RequestResponse& response, const ScoredResponse& scored) {
  return {response.text.text, scored.reward, scored.token_texts, log_probs(scored)};
}

}  // namespace

std::vector<ShownPair> shown_pairs(std::span<const Example> examples, std::span<const JudgedExample> rows,
                                   Scorer& scorer, std::size_t most) {
  if (rows.size() != examples.size()) {
    throw InternalError("[shown_pairs] there are " + std::to_string(rows.size()) + " verdicts on " +
                        std::to_string(examples.size()) + " examples. Please report it.");
  }
  std::vector<Place> places;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows[i].comparisons.size(); ++j) {
      if (const std::optional<double> margin = rows[i].comparisons[j].margin; margin && *margin != 0.0) {
        places.push_back({i, j, *margin});
      }
    }
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.margin < b.margin; });
  const auto lost = static_cast<std::size_t>(
      std::count_if(places.begin(), places.end(), [](const Place& place) { return place.margin < 0.0; }));
  const std::size_t shown_lost = std::min(most / 2, lost);
  const std::size_t shown_won = std::min(most - most / 2, places.size() - lost);
  places.erase(places.begin() + static_cast<std::ptrdiff_t>(shown_lost),
               places.end() - static_cast<std::ptrdiff_t>(shown_won));

  std::vector<Request> requests;
  for (const Place& place : places) {
    const Comparison& pair = rows[place.example].comparisons[place.comparison].comparison;
    Request& request = requests.emplace_back(examples[place.example].request);
    request.responses = {request.responses.at(pair.better), request.responses.at(pair.worse)};
  }
  const std::vector<Scored> scored = requests.empty() ? std::vector<Scored>{} : scorer.score(requests);
  std::vector<ShownPair> pairs;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    const std::optional<ScoredResponse>& better = scored[i].responses.at(0).scored;
    const std::optional<ScoredResponse>& worse = scored[i].responses.at(1).scored;
    if (!better || !worse || better->tokens.empty() || worse->tokens.empty()) {
      continue;
    }
    const JudgedExample& row = rows[places[i].example];
    pairs.push_back({row.id, row.subset, row.comparisons[places[i].comparison].comparison.cell, requests[i].messages,
                     places[i].margin, shown(requests[i].responses[0], *better),
                     shown(requests[i].responses[1], *worse)});
  }
  return pairs;
}

std::vector<ShownExample> shown_examples(std::span<const Example> examples, Scorer& scorer, std::size_t most) {
  std::vector<const Request*> answered;
  for (const Example& example : examples) {
    if (!example.request.responses.empty()) {
      answered.push_back(&example.request);
    }
  }
  std::vector<Request> requests;
  const std::size_t taken = std::min(most, answered.size());
  for (std::size_t i = 0; i < taken; ++i) {
    requests.push_back(*answered[i * answered.size() / taken]);
  }
  const std::vector<Scored> scored = requests.empty() ? std::vector<Scored>{} : scorer.score(requests);
  std::vector<ShownExample> shown;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    ShownExample example{requests[i].id, {}};
    for (std::size_t place = 0; place < scored[i].responses.size(); ++place) {
      const std::optional<ScoredResponse>& response = scored[i].responses[place].scored;
      if (response && !response->tokens.empty()) {
        example.responses.push_back({place, response->reward, response->token_texts, log_probs(*response)});
      }
    }
    if (!example.responses.empty()) {
      shown.push_back(std::move(example));
    }
  }
  return shown;
}

void add_shown(BenchReport& report, std::span<const Example> examples, Scorer& scorer, std::size_t most) {
  if (report.responses) {
    report.responses->shown = shown_examples(examples, scorer, most);
  } else {
    report.shown = shown_pairs(examples, report.judges.front().rows, scorer, most);
  }
}

}  // namespace endorm
