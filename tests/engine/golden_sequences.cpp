#include "tests/engine/golden_sequences.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace endorm {

nlohmann::json read_golden(const std::string& file) {
  std::ifstream stream(golden_path(file));
  REQUIRE_MESSAGE(stream.good(), file);
  return nlohmann::json::parse(stream);
}

GoldenStats golden_stats(const nlohmann::json& sequence) {
  GoldenStats golden;
  sequence.at("logit").get_to(golden.logit);
  sequence.at("log_sum_exp").get_to(golden.log_sum_exp);
  sequence.at("log_prob").get_to(golden.log_prob);
  sequence.at("entropy").get_to(golden.entropy);
  return golden;
}

void WorstDifference::add(std::span<const TokenStats> stats, const GoldenStats& golden) {
  REQUIRE(stats.size() == golden.logit.size());
  REQUIRE(stats.size() == golden.entropy.size());
  for (std::size_t at = 0; at < stats.size(); ++at) {
    REQUIRE(stats[at].entropy.has_value());
    const double of_logit = std::abs(stats[at].logit - golden.logit[at]);
    const double of_log_sum_exp = std::abs(stats[at].log_sum_exp - golden.log_sum_exp[at]);
    const double of_log_prob = std::abs(endorm::log_prob(stats[at]) - golden.log_prob[at]);
    const double of_entropy = std::abs(*stats[at].entropy - golden.entropy[at]);
    logit = worse(logit, of_logit);
    log_sum_exp = worse(log_sum_exp, of_log_sum_exp);
    log_prob = worse(log_prob, of_log_prob);
    entropy = worse(entropy, of_entropy);
    of_token.push_back(worse(worse(of_logit, of_log_sum_exp), worse(of_log_prob, of_entropy)));
  }
}

double WorstDifference::share_beyond(double tolerance) const {
  const auto within =
      std::count_if(of_token.begin(), of_token.end(), [&](double difference) { return difference <= tolerance; });
  return 1 - static_cast<double>(within) / static_cast<double>(of_token.size());
}

std::string WorstDifference::text() const {
  std::ostringstream words;
  words.precision(2);
  words << "logit " << logit << ", log_sum_exp " << log_sum_exp << ", log_prob " << log_prob << ", entropy " << entropy;
  return words.str();
}

}  // namespace endorm
