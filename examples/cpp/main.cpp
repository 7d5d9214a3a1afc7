#include <cstdio>

#include "engine/llama/llama_engine.h"
#include "score/endogenous_scorer.h"

int main(int, char** arguments) {
  const auto engine = endorm::make_llama_engine({.model_path = arguments[1]});
  endorm::StatsCache cache(std::nullopt);
  endorm::EndogenousScorer scorer(*engine, cache, {});
  endorm::Request request;
  request.messages = {{"user", "What is the capital of France?"}};
  request.responses = {{{"Paris."}, {}}, {{"Rome."}, {}}};
  const std::vector<endorm::Scored> scored = scorer.score({&request, 1});
  for (const endorm::ScoredOutcome& outcome : scored[0].responses) {
    std::printf("%.3f nats\n", outcome.scored->reward);
  }
}
