#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "engine/tabular_engine.h"
#include "tests/judge/judge_requests.h"

namespace endorm {
namespace {

// The model is not asked: any text will do, also one that the engine could not read.
struct Fixture {
  TabularEngine engine{2, [](std::span<const Token>) { return std::vector<double>(2, 0.0); }};
  StatsCache cache{std::nullopt};
  JudgeParts parts{engine, cache};

  std::vector<Scored> scores(std::string_view judge, const std::vector<Request>& requests) {
    return make_judge(judge, parts).scorer->score(requests);
  }
};

TEST_CASE("length counts code points, minus-length is its negative") {
  Fixture fixture;
  // "a", "e" with acute accent (2 bytes), the euro sign (3 bytes), an emoji (4 bytes); empty; 100,000 characters
  const std::vector<std::string> texts = {"a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "", std::string(100'000, 'x')};
  const std::vector<Request> requests = {request_of("r", {{"user", "q"}}, texts)};
  const std::vector<double> expected = {4.0, 0.0, 100'000.0};
  const std::vector<Scored> length = fixture.scores("length", requests);
  const std::vector<Scored> minus = fixture.scores("minus-length", requests);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CHECK(scored_of(length.at(0), i).reward == expected[i]);
    CHECK(scored_of(minus.at(0), i).reward == -expected[i]);
  }
  CHECK(length[0].id == "r");
  CHECK(length[0].key == "key of r");
  CHECK_FALSE(scored_of(length[0], 0).log_prob.has_value());
  CHECK_FALSE(scored_of(length[0], 0).aggregates.has_value());
  CHECK(fixture.engine.tokens_computed() == 0);
}

TEST_CASE("random rewards do not depend on the order of records, on shards or on texts") {
  Fixture fixture;
  std::vector<Request> requests;
  for (int i = 0; i < 200; ++i) {
    requests.push_back(request_of(std::to_string(i), {{"user", "q"}}, {"x", "x", "y"}));
  }
  const std::vector<Scored> all = fixture.scores("random", requests);
  std::reverse(requests.begin(), requests.end());
  requests.resize(100);  // one shard of two, backwards
  const std::vector<Scored> shard = fixture.scores("random", requests);
  for (std::size_t i = 0; i < shard.size(); ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(scored_of(shard[i], k).reward == scored_of(all[199 - i], k).reward);
    }
  }
  std::set<double> distinct;
  double mean = 0.0;
  for (const Scored& record : all) {
    for (std::size_t k = 0; k < 3; ++k) {
      const double reward = scored_of(record, k).reward;
      CHECK(reward >= 0.0);
      CHECK(reward < 1.0);
      distinct.insert(reward);
      mean += reward / 600.0;
    }
  }
  CHECK(distinct.size() == 600);
  CHECK(std::abs(mean - 0.5) < 0.06);  // five standard errors, 1 / sqrt(12 * 600) each

  fixture.parts.seed = 1;
  const std::vector<Scored> other = fixture.scores("random", requests);
  CHECK(scored_of(other[0], 0).reward != scored_of(shard[0], 0).reward);
  CHECK(make_judge("random", fixture.parts).fingerprint == "seed=1");
}

}  // namespace
}  // namespace endorm
