// The claims of docs/theory.md on fewer problems, and with wrong formulas in the place of the right one.
#include "lab/claims.h"

#include <cmath>
#include <limits>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "lab/worst_cases.h"

namespace endorm::lab {
namespace {

constexpr std::uint64_t kSeed = 7;

void check_claim(std::string_view name, double effort) {
  for (const Claim& claim : claims()) {
    if (claim.name != name) {
      continue;
    }
    for (const Finding& finding : claim.measure({.seed = kSeed, .effort = effort})) {
      INFO("seed ", kSeed, ", effort ", effort, ": ", finding.statement, ": ", finding.measured, " against ",
           finding.bound, ". ", finding.detail);
      CHECK(finding.claim == name);
      CHECK(std::isfinite(finding.measured));
      CHECK(finding.holds() != finding.limit);
    }
    return;
  }
  FAIL("there is no claim ", name);
}

TEST_CASE("proposition 1: the likelihood's logits solve offline inverse RL") { check_claim("proposition-1", 0.1); }
TEST_CASE("theorem 1: preferences within alpha H eps / 2") { check_claim("theorem-1", 0.05); }
TEST_CASE("theorem 2: H^2 eps for imitation, H eps for RL on the endogenous reward") { check_claim("theorem-2", 0.03); }
TEST_CASE("no free second helping, and the discounted identity") { check_claim("second-helping", 0.05); }
TEST_CASE("V(s_1) across prompts") { check_claim("across-prompts", 0.05); }
TEST_CASE("length bias of sum, mean and discounted") { check_claim("length-bias", 0.3); }
TEST_CASE("reward hacking with few texts") { check_claim("reward-hacking", 0.3); }

// Wrong formulas of the token reward.
double next_value_added(double q, const NextState& next) { return q + next.gamma * next.alpha * next.log_sum_exp; }
double alpha_missing(double q, const NextState& next) { return q - next.gamma * next.log_sum_exp; }
double next_value_missing(double q, const NextState&) { return q; }
double gamma_missing(double q, const NextState& next) { return q - next.alpha * next.log_sum_exp; }

struct Mutation {
  const char* name;
  RewardRule rule;
  std::vector<std::vector<Finding> (*)(const ClaimOptions&)> caught_by;
};

TEST_CASE("mutations: a wrong formula of the reward fails every claim that speaks of it") {
  const Mutation mutations[] = {
      {"V' with the wrong sign", next_value_added, {proposition_1, theorem_1, second_helping, across_prompts}},
      {"V' without its alpha", alpha_missing, {proposition_1, theorem_1, second_helping, across_prompts}},
      {"no V'", next_value_missing, {proposition_1, theorem_1, second_helping, across_prompts}},
      {"V' without gamma", gamma_missing, {theorem_1, second_helping}},
  };
  for (const Mutation& mutation : mutations) {
    for (const auto& measure : mutation.caught_by) {
      std::size_t failed = 0;
      std::string statements;
      for (const Finding& finding : measure({.seed = kSeed, .effort = 0.03, .rule = mutation.rule})) {
        statements += "\n  " + finding.claim + ": " + finding.statement;
        failed += !finding.limit && !finding.holds() ? 1 : 0;
      }
      INFO("seed ", kSeed, ", mutation: ", mutation.name, statements);
      CHECK(failed >= 1);
    }
  }
}

TEST_CASE("theorem 2 with the wrong sign of V': RL on that reward breaks the H eps bound") {
  bool broken = false;
  for (const Finding& finding : theorem_2({.seed = kSeed, .effort = 0.03, .rule = next_value_added})) {
    if (finding.statement.starts_with("RL's loss over 2 alpha H eps")) {
      broken = !finding.holds();
    }
  }
  CHECK(broken);
}

TEST_CASE("the slippery chain is soft-optimal for its reward, its model within eps, its losses as stated") {
  const SlipShape shape{.actions = 4, .horizon = 50, .alpha = 0.7, .eps = 0.2, .slip = 1e-6};
  const WorstCase built = slippery_chain(shape);
  const Table q = soft_optimal(built.mdp, built.mdp.rewards(), shape.alpha);
  for (const auto& layer : soft_values(q, shape.actions, shape.alpha)) {
    for (const double value : layer) {
      CHECK(std::abs(value) <= 1e-12);
    }
  }
  double worst = 0.0;
  for (std::size_t h = 0; h < built.expert.size(); ++h) {
    for (std::size_t i = 0; i < built.expert[h].size(); ++i) {
      worst = std::max(worst, std::abs(built.expert[h][i] - built.model[h][i]));
    }
  }
  CHECK(std::abs(worst - shape.eps) <= 1e-12);
  const Table truth = built.mdp.rewards();
  const double imitation = expected_return(built.mdp, truth, exponentials(built.expert)) -
                           expected_return(built.mdp, truth, exponentials(built.model));
  // Half of the texts are on the chain; a slip at step h costs its own improbability and log V at each step behind it.
  double expected = 0.0;
  for (int h = 1; h < 50; ++h) {
    expected += 0.5 * shape.slip * std::expm1(shape.eps) * shape.alpha *
                (std::log(3.0 / shape.slip) + (49 - h) * std::log(4.0));
  }
  CHECK(imitation == doctest::Approx(expected).epsilon(0.01));
}

TEST_CASE("a finding that is NaN holds nothing, and JSON has every field") {
  Finding finding{"claim",
                  "statement",
                  1.0,
                  Relation::kAtMost,
                  2.0,
                  "detail",
                  {{"title", "x", "y", true, false, {{"s", {1.0}, {2.0}}}}}};
  CHECK(finding.holds());
  const nlohmann::json list = nlohmann::json::parse(findings_json(std::span(&finding, 1)));
  CHECK(list[0]["claim"] == "claim");
  CHECK(list[0]["measured"] == 1.0);
  CHECK(list[0]["relation"] == "at most");
  CHECK(list[0]["bound"] == 2.0);
  CHECK(list[0]["holds"] == true);
  CHECK(list[0]["limit"] == false);
  CHECK(list[0]["plots"][0]["series"][0]["y"][0] == 2.0);
  finding.measured = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(finding.holds());
  finding.relation = Relation::kAtLeast;
  CHECK_FALSE(finding.holds());
}

}  // namespace
}  // namespace endorm::lab
