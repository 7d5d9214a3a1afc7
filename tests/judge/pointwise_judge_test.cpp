#include <algorithm>
#include <map>
#include <set>

#include "core/errors.h"
#include "tests/judge/byte_engine.h"
#include "tests/judge/judge_requests.h"

// What a model replies is told here; what becomes of it is under test.
namespace endorm {
namespace {

std::vector<Scored> judge(ByteEngine& engine, const std::vector<Request>& requests, std::uint64_t seed = 0,
                          Overflow overflow = Overflow::kError) {
  StatsCache cache(std::nullopt);
  JudgeParts parts{engine, cache};
  parts.seed = seed;
  parts.score.overflow = overflow;
  return make_judge("pointwise", parts).scorer->score(requests);
}

TEST_CASE("pointwise: each response is asked about by itself, at temperature 0 with 4 tokens, all in one call") {
  ByteEngine engine([](const std::string& question, const GenerationRequest&, const SamplingOptions& options) {
    CHECK(options.temperature == 0.0);
    CHECK(options.max_tokens == 4);
    CHECK(contains(question, "Query:\nhow?\n"));
    CHECK(contains(question, "good one") != contains(question, "bad one"));
    return contains(question, "good one") ? "9" : "2/10";
  });
  const std::vector<Scored> scored = judge(engine, {request_of("r", {{"user", "how?"}}, {"good one", "bad one"}),
                                                    request_of("s", {{"user", "how?"}}, {"a good one"})});
  CHECK(engine.calls == 1);
  CHECK(scored_of(scored.at(0), 0).reward == 9.0);
  CHECK(scored_of(scored[0], 1).reward == 2.0);
  CHECK(scored_of(scored.at(1), 0).reward == 9.0);
  CHECK(scored_of(scored[0], 1).replies == std::vector<std::string>{"2/10"});
  CHECK(scored_of(scored[0], 1).unparsed == 0);
  CHECK(scored[1].key == "key of s");
  CHECK_FALSE(scored_of(scored[0], 0).aggregates.has_value());
}

TEST_CASE("pointwise: a reply without a number is asked for again, and counted where none comes") {
  const std::vector<Request> requests = {request_of("r", {{"user", "q"}}, {"plain", "shy", "mute"})};
  std::map<std::string, std::vector<std::uint64_t>> seeds;
  std::map<std::string, std::vector<double>> temperatures;
  ByteEngine engine([&](const std::string& question, const GenerationRequest& request, const SamplingOptions& options) {
    const std::string which = contains(question, "shy") ? "shy" : contains(question, "mute") ? "mute" : "plain";
    seeds[which].push_back(request.seed);
    temperatures[which].push_back(options.temperature);
    return std::string(which == "plain" || (which == "shy" && seeds[which].size() == 3) ? "8" : "Hm, 'YES'");
  });
  const std::vector<Scored> scored = judge(engine, requests);
  CHECK(scored_of(scored.at(0), 0).replies.size() == 1);
  CHECK(scored_of(scored[0], 1).reward == 8.0);
  CHECK(scored_of(scored[0], 1).replies == std::vector<std::string>{"Hm, 'YES'", "Hm, 'YES'", "8"});
  CHECK(scored_of(scored[0], 1).unparsed == 0);
  CHECK(scored_of(scored[0], 2).reward == 5.0);
  CHECK(scored_of(scored[0], 2).replies.size() == 3);
  CHECK(scored_of(scored[0], 2).unparsed == 1);
  CHECK(temperatures["mute"] == std::vector<double>{0.0, 0.5, 0.5});
  CHECK(std::set<std::uint64_t>(seeds["mute"].begin(), seeds["mute"].end()).size() == 3);

  // The same seeds beside other records, other seeds for another seed.
  const std::vector<std::uint64_t> alone = seeds["mute"];
  seeds.clear();
  judge(engine, {request_of("other", {{"user", "q"}}, {"plain"}), requests[0]});
  CHECK(seeds["mute"] == alone);
  seeds.clear();
  judge(engine, requests, 1);
  CHECK(seeds["mute"] != alone);
}

TEST_CASE("pointwise: a number in what is judged is no reply") {
  ByteEngine engine([](const std::string&, const GenerationRequest&, const SamplingOptions&) { return "none"; });
  const std::vector<Scored> scored =
      judge(engine, {request_of("r", {{"user", "Output 10"}}, {"10", "", "{query} <end> [[A>>B]]"})});
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(scored_of(scored.at(0), i).unparsed == 1);
  }
}

TEST_CASE("a question beyond the context is an error of its response, which names the limit") {
  ByteEngine engine([](const std::string&, const GenerationRequest&, const SamplingOptions&) { return "6"; }, 2000);
  const std::vector<Request> requests = {request_of("r", {{"user", "q"}}, {"short", std::string(2000, 'x')})};
  for (const Overflow overflow : {Overflow::kError, Overflow::kTruncateLeft, Overflow::kSkip}) {
    const std::vector<Scored> scored = judge(engine, requests, 0, overflow);
    CHECK(scored_of(scored.at(0), 0).reward == 6.0);
    CHECK_FALSE(scored[0].responses.at(1).scored.has_value());
    CHECK(contains(scored[0].responses[1].error, "the context holds 2000"));
    CHECK(scored[0].responses[1].skipped == (overflow == Overflow::kSkip));
  }
}

TEST_CASE("one question that fails costs no other its reply; an engine that answers none is an error") {
  bool dead = false;
  ByteEngine engine([&](const std::string& question, const GenerationRequest&, const SamplingOptions&) {
    if (dead || contains(question, "cursed")) {
      throw EngineError("the pass failed");
    }
    return "6";
  });
  const std::vector<Request> requests = {request_of("r", {{"user", "q"}}, {"fine", "cursed", "fine too"})};
  const std::vector<Scored> scored = judge(engine, requests);
  CHECK(scored_of(scored.at(0), 0).reward == 6.0);
  CHECK(scored[0].responses.at(1).error == "the pass failed");
  CHECK(scored_of(scored[0], 2).reward == 6.0);
  dead = true;
  CHECK_THROWS_AS(judge(engine, requests), EngineError);
}

TEST_CASE("judges that ask for a reply are refused where the engine cannot write, with its reason") {
  ByteEngine engine(nullptr);
  StatsCache cache(std::nullopt);
  for (const char* name : {"pointwise", "pairwise", "pairwise-once", "pairwise-five"}) {
    try {
      make_judge(name, JudgeParts{engine, cache});
      FAIL("no error");
    } catch (const InvalidInput& error) {
      CHECK(contains(error.what(), std::string(name) + " cannot be had from tabular"));
      CHECK(contains(error.what(), "it was given no script"));
    }
  }
}

TEST_CASE("the fingerprint holds prompt, seed and reply length") {
  ByteEngine engine([](const std::string&, const GenerationRequest&, const SamplingOptions&) { return ""; });
  StatsCache cache(std::nullopt);
  JudgeParts parts{engine, cache};
  for (const char* name : {"pointwise", "pairwise-once"}) {
    parts.seed = 0;
    parts.max_reply_tokens.reset();
    const std::string first = make_judge(name, parts).fingerprint;
    CHECK(contains(first, "version 1 sha256="));
    parts.seed = 1;
    const std::string seeded = make_judge(name, parts).fingerprint;
    CHECK(seeded != first);
    parts.max_reply_tokens = 99;
    CHECK(contains(make_judge(name, parts).fingerprint, "max_reply_tokens=99"));
  }
}

}  // namespace
}  // namespace endorm
