#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "eval/metrics.h"
#include "tests/eval/judged_examples.h"

namespace endorm {
namespace {

JudgedExample prompt(const std::vector<double>& rewards, const std::vector<std::size_t>& characters) {
  JudgedExample example;
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    example.responses.emplace_back();
    example.responses[i].reward = rewards[i];
    example.responses[i].characters = characters[i];
  }
  return example;
}

TEST_CASE("within a prompt longer is better, across prompts it is not") {
  const std::vector<JudgedExample> judged = {prompt({10.0, 11.0}, {1, 2}), prompt({0.0, 1.0}, {101, 102})};
  const std::vector<LengthCorrelation> found = length_correlations(judged);
  REQUIRE(found.size() == 1);
  CHECK(found[0].unit == "characters");
  CHECK(found[0].n == 4);
  CHECK(found[0].n_within == 4);
  CHECK(found[0].pearson.value() < -0.9);
  CHECK(found[0].pearson_within.value() == doctest::Approx(1.0));
  CHECK(found[0].spearman_within.value() == doctest::Approx(1.0));
}

TEST_CASE("responses without a reward are left out, lone ones within a prompt, too; tokens where they are known") {
  std::vector<JudgedExample> judged = {prompt({1.0, 2.0, 3.0}, {5, 6, 9}), prompt({4.0}, {7})};
  judged[0].responses[2].reward.reset();
  judged[0].responses[0].tokens = 3;
  judged[0].responses[1].tokens = 2;
  const std::vector<LengthCorrelation> found = length_correlations(judged);
  REQUIRE(found.size() == 2);
  CHECK(found[0].n == 3);
  CHECK(found[0].n_within == 2);
  CHECK(found[1].unit == "tokens");
  CHECK(found[1].n == 2);
  CHECK(found[1].pearson.value() == doctest::Approx(-1.0));
  CHECK_FALSE(length_correlations({}).at(0).pearson.has_value());
}

TEST_CASE("calibration takes every margin that is there") {
  const std::vector<JudgedExample> judged = {
      test::pair_example("a", "s", std::log(3.0), 0.0), test::pair_example("b", "s", 0.0, std::log(3.0)),
      test::pair_example("c", "s", {}, 0.0), test::pair_example("d", "s", 1.0, 1.0)};
  const Calibration found = calibration(judged, 4);
  CHECK(found.n == 2);
  CHECK(found.ties == 1);
  CHECK(found.expected_error.value() == doctest::Approx(0.25));
}

}  // namespace
}  // namespace endorm
