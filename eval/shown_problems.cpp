#include "eval/shown_problems.h"

#include <algorithm>

namespace endorm {

std::vector<ShownProblem> shown_problems(std::span<const Example> examples, const std::string& judge, Scorer& scorer,
                                         std::size_t most) {
  std::vector<Request> requests;
  const std::size_t taken = std::min(most, examples.size());
  for (std::size_t i = 0; i < taken; ++i) {
    requests.push_back(examples[i * examples.size() / taken].request);
  }
  const std::vector<Scored> scored = requests.empty() ? std::vector<Scored>{} : scorer.score(requests);
  std::vector<ShownProblem> shown;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    ShownProblem problem{requests[i].id, requests[i].messages, judge, {}};
    for (std::size_t k = 0; k < scored[i].responses.size(); ++k) {
      const std::optional<ScoredResponse>& response = scored[i].responses[k].scored;
      if (!response || response->tokens.empty()) {
        continue;
      }
      ShownSample& sample = problem.samples.emplace_back(ShownSample{k, response->reward, response->token_texts, {}});
      for (const TokenReward& token : response->tokens) {
        sample.log_prob.push_back(token.log_prob);
      }
    }
    if (!problem.samples.empty()) {
      shown.push_back(std::move(problem));
    }
  }
  return shown;
}

}  // namespace endorm
