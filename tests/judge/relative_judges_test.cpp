#include <cmath>
#include <optional>

#include "core/errors.h"
#include "core/random.h"
#include "judge/judges.h"
#include "tests/judge/judge_requests.h"
#include "tests/score/soft_optimal_problem.h"

namespace endorm {
namespace {

constexpr std::size_t kVocabulary = 5;
constexpr double kTolerance = 1e-10;  // rows of five in double against sums in long double

TabularEngine::LogitFunction random_logits(std::uint64_t seed) {
  return [seed](std::span<const Token> path) { return random_row(seed, path, kVocabulary, 3.0); };
}

struct Fixture {
  explicit Fixture(std::uint64_t seed) : engine(kVocabulary, random_logits(seed)) {}

  std::vector<Scored> scores(const char* judge, const std::vector<Request>& requests) {
    return make_judge(judge, parts).scorer->score(requests);
  }

  TabularEngine engine;
  StatsCache cache{std::nullopt};
  JudgeParts parts{engine, cache};
};

// alpha log pi of every token of a response, from the logits by the definition.
std::vector<double> scaled_log_probs(std::uint64_t seed, Tokens path, const Tokens& response, double alpha) {
  std::vector<double> result;
  for (const Token token : response) {
    const std::vector<double> row = random_row(seed, path, kVocabulary, 3.0);
    long double sum = 0.0L;
    for (const double q : row) {
      sum += std::exp(static_cast<long double>(q) / alpha);
    }
    result.push_back(row[static_cast<std::size_t>(token)] - alpha * static_cast<double>(std::log(sum)));
    path.push_back(token);
  }
  return result;
}

// The three that have weights of their own, of alpha log pi [T].
struct Expected {
  double sum = 0.0;
  double mean = 0.0;
  double discounted = 0.0;
};

Expected aggregated(const std::vector<double>& tokens) {
  Expected result;
  for (std::size_t h = 0; h < tokens.size(); ++h) {
    result.sum += tokens[h];
    result.discounted += std::pow(0.8, static_cast<double>(h)) * tokens[h];
  }
  result.mean = result.sum / static_cast<double>(tokens.size());
  return result;
}

void check_close(double found, double expected) { CHECK(std::abs(found - expected) <= kTolerance); }

TEST_CASE("contrast is the reward minus its mean under the alternatives, in every aggregation and token") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const double alpha : {1.0, 0.5}) {
      INFO("seed ", seed, ", alpha ", alpha);
      RandomStream random(seed);
      Tokens response;
      for (std::size_t length = 2 + random.below(5); length > 0; --length) {
        response.push_back(static_cast<Token>(random.below(kVocabulary)));
      }
      Fixture fixture(seed);
      fixture.parts.score.alpha = alpha;
      fixture.parts.score.aggregate.gamma = 0.8;
      fixture.parts.contrast = {"[1]", "[2]", "[3]", "[2]"};  // its own is left out, a repetition counts once
      Request request = request_of("r", {{"system", "[1]"}, {"user", "[0][4]"}}, {spelled(response)});
      request.responses[0].step_begins = {0, 3};
      const Scored found = fixture.scores("contrast", {request}).at(0);

      const std::vector<double> own = scaled_log_probs(seed, {1, 0, 4}, response, alpha);
      const std::vector<double> second = scaled_log_probs(seed, {2, 0, 4}, response, alpha);
      const std::vector<double> third = scaled_log_probs(seed, {3, 0, 4}, response, alpha);
      const auto minus = [&](double Expected::*field) {
        return aggregated(own).*field - (aggregated(second).*field + aggregated(third).*field) / 2;
      };
      const ScoredResponse& scored = scored_of(found, 0);
      check_close(scored.aggregates->sum, minus(&Expected::sum));
      check_close(scored.aggregates->mean, minus(&Expected::mean));
      check_close(scored.aggregates->discounted, minus(&Expected::discounted));
      CHECK(scored.reward == scored.aggregates->discounted);
      check_close(alpha * scored.log_prob.value(), minus(&Expected::sum));
      REQUIRE(scored.aggregates->steps.size() == 2);
      check_close(scored.aggregates->steps[0].sum, own[0] - (second[0] + third[0]) / 2);
      check_close(scored.aggregates->steps[0].sum + scored.aggregates->steps[1].sum, scored.aggregates->sum);
      REQUIRE(scored.tokens.size() == response.size());
      for (std::size_t h = 0; h < response.size(); ++h) {
        check_close(alpha * scored.tokens[h].log_prob, own[h] - (second[h] + third[h]) / 2);
      }
      CHECK(scored.token_ids == response);
      // What weighs tokens can be had again from the differences alone: a sweep over gamma needs no model.
      AggregateOptions other = fixture.parts.score.aggregate;
      other.gamma = 0.3;
      fixture.parts.score.aggregate.gamma = 0.3;
      const Scored again = fixture.scores("contrast", {request}).at(0);
      const Aggregates found_again =
          aggregate(log_probs_of(scored.tokens), {}, alpha, other, initial_value_of(scored.tokens));
      check_close(found_again.discounted, scored_of(again, 0).reward);
    }
  }
}

TEST_CASE("a difference of the rewards that plain scoring gives, whatever the aggregation") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const char* kind : {"discounted", "sum", "mean", "chunked_mean", "step_mean", "min_step", "last_k"}) {
      INFO("seed ", seed, ", ", kind);
      Fixture fixture(seed);
      fixture.parts.score.aggregate = {.kind = aggregation_from_name(kind), .chunk = 2, .last_k = 2};
      fixture.parts.contrast = {"[2]", "[0][0]"};
      Request request = request_of("r", {{"system", "[1]"}, {"user", "[4]"}}, {"[3][2][1][1][0]"});
      request.responses[0].step_begins = {0, 6, 9};
      const auto plain = [&](const std::vector<Message>& messages) {
        Request other = request;
        other.messages = messages;
        return scored_of(fixture.scores("endorm", {other}).at(0), 0).reward;
      };
      const double own = plain(request.messages);
      const double alternatives =
          (plain({{"system", "[2]"}, {"user", "[4]"}}) + plain({{"system", "[0][0]"}, {"user", "[4]"}})) / 2;
      const double bare = plain({{"system", "[1]"}, {"user", ""}});
      TabularEngine weaker(kVocabulary, random_logits(seed + 100), {.name = "weaker"});
      fixture.parts.reference = &weaker;
      StatsCache other_cache(std::nullopt);
      JudgeParts other_parts{weaker, other_cache};
      other_parts.score = fixture.parts.score;
      const auto judged = make_judge("endorm", other_parts).scorer->score(std::span(&request, 1));
      const double reference = scored_of(judged.at(0), 0).reward;
      check_close(scored_of(fixture.scores("contrast", {request}).at(0), 0).reward, own - alternatives);
      check_close(scored_of(fixture.scores("information-gain", {request}).at(0), 0).reward, own - bare);
      check_close(scored_of(fixture.scores("log-ratio", {request}).at(0), 0).reward, own - reference);
    }
  }
}

TEST_CASE("V(s_1) is the instruction's own: it cancels among the responses of a request, and nowhere else") {
  Fixture fixture(3);
  fixture.parts.score.aggregate.kind = Aggregation::kSum;
  fixture.parts.contrast = {"[2]"};
  const Request request = request_of("r", {{"system", "[1]"}, {"user", "[4]"}}, {"[3][2]", "[0]"});
  const Scored plain = fixture.scores("contrast", {request}).at(0);
  fixture.parts.score.aggregate.initial_value = true;
  const Scored with_value = fixture.scores("contrast", {request}).at(0);
  const double first = scored_of(with_value, 0).reward - scored_of(plain, 0).reward;
  const double second = scored_of(with_value, 1).reward - scored_of(plain, 1).reward;
  check_close(first, second);
  check_close(first, scored_of(plain, 0).value.value());
  CHECK(std::abs(first) > 1e-3);
}

// docs/relative-rewards.md: R_c = n / (n - 1) (g_c - mean of all g), so the R_c of one response sum to zero.
TEST_CASE("over a whole set of instructions a contrast is the centred reward") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    INFO("seed ", seed);
    Fixture fixture(seed);
    const std::vector<std::string> instructions = {"[0]", "[1]", "[2][2]", "[3]"};
    fixture.parts.contrast = instructions;
    std::vector<Request> requests;
    for (const std::string& instruction : instructions) {
      requests.push_back(request_of(instruction, {{"system", instruction}, {"user", "[4]"}}, {"[3][2][1]"}));
    }
    const std::vector<Scored> plain = fixture.scores("endorm", requests);
    const std::vector<Scored> contrast = fixture.scores("contrast", requests);
    double sum = 0.0;
    double mean = 0.0;
    for (std::size_t c = 0; c < instructions.size(); ++c) {
      mean += scored_of(plain[c], 0).reward / 4;
      sum += scored_of(contrast[c], 0).reward;
    }
    check_close(sum, 0.0);
    for (std::size_t c = 0; c < instructions.size(); ++c) {
      check_close(scored_of(contrast[c], 0).reward, 4.0 / 3.0 * (scored_of(plain[c], 0).reward - mean));
    }
  }
}

TEST_CASE("what several conditions share is computed once") {
  Fixture fixture(4);
  const std::vector<std::string> instructions = {"[0]", "[1]", "[2]", "[3]"};
  fixture.parts.contrast = instructions;
  std::vector<Request> requests;
  for (const std::string& instruction : instructions) {
    requests.push_back(request_of(instruction, {{"system", instruction}, {"user", "[4]"}}, {"[3][2][1]", "[3][0]"}));
  }
  fixture.scores("contrast", requests);
  // Of each of 4 instructions: the states before 3, before 2 and 0 (one state), and before 1.
  CHECK(fixture.engine.tokens_computed() == 12);
  fixture.scores("contrast", requests);
  fixture.scores("endorm", requests);
  CHECK(fixture.engine.tokens_computed() == 12);
}

TEST_CASE("a request's own alternatives take the place of the shared ones") {
  Fixture fixture(5);
  fixture.parts.contrast = {"[2]"};
  Request request = request_of("r", {{"system", "[1]"}, {"user", "[4]"}}, {"[3]"});
  const double shared = scored_of(fixture.scores("contrast", {request}).at(0), 0).reward;
  request.alternatives = {"[3]"};
  const double own = scored_of(fixture.scores("contrast", {request}).at(0), 0).reward;
  fixture.parts.contrast = {"[3]"};
  request.alternatives.clear();
  CHECK(own == scored_of(fixture.scores("contrast", {request}).at(0), 0).reward);
  CHECK(own != shared);
}

TEST_CASE("a contrast that cannot be taken is an error of its own response") {
  Fixture fixture(6);
  fixture.parts.contrast = {"[1]"};
  std::vector<Request> requests = {
      request_of("its own alone", {{"system", "[1]"}, {"user", "[4]"}}, {"[3]", "[2]"}),
      request_of("no instruction", {{"user", "[4]"}}, {"[3]"}),
      request_of("an alternative that the engine cannot read", {{"system", "[2]"}, {"user", "[4]"}}, {"[3]"}),
      request_of("an empty response", {{"system", "[2]"}, {"user", "[4]"}}, {"", "[3]"})};
  requests[2].alternatives = {"[3]", "plain words"};
  const std::vector<Scored> found = fixture.scores("contrast", requests);
  REQUIRE(found.size() == 4);
  CHECK(found[0].id == "its own alone");
  CHECK(contains(found[0].responses.at(0).error, "no alternative system message"));
  CHECK(contains(found[0].responses.at(1).error, "no alternative system message"));
  CHECK(contains(found[1].responses.at(0).error, "no system message"));
  CHECK(contains(found[2].responses.at(0).error, "under the alternative \"plain words\": "));
  CHECK(contains(found[3].responses.at(0).error, "empty"));
  CHECK(found[3].responses.at(1).scored.has_value());
  CHECK(found[3].responses.at(1).error.empty());
}

TEST_CASE("a system message is never cut off to fit the context") {
  TabularEngine engine(kVocabulary, random_logits(1), {.context = 4});
  StatsCache cache(std::nullopt);
  JudgeParts parts{engine, cache};
  parts.score.overflow = Overflow::kTruncateLeft;
  parts.contrast = {"[2][2]"};
  const Request request = request_of("r", {{"system", "[1]"}, {"user", "[4]"}}, {"[3][2]"});
  const std::vector<Scored> plain = make_judge("endorm", parts).scorer->score(std::span(&request, 1));
  CHECK(plain.at(0).responses.at(0).scored.has_value());
  const std::vector<Scored> found = make_judge("contrast", parts).scorer->score(std::span(&request, 1));
  CHECK(contains(found.at(0).responses.at(0).error, "under the alternative \"[2][2]\": "));
  CHECK(contains(found.at(0).responses.at(0).error, "the context holds 4"));
}

TEST_CASE("the prompt removed is an empty user turn behind the same system message") {
  Fixture fixture(7);
  const Request request =
      request_of("r", {{"system", "[1]"}, {"user", "[4]"}, {"assistant", "[2]"}, {"user", "[0]"}}, {"[3][3]"});
  const std::vector<double> own = scaled_log_probs(7, {1, 4, 2, 0}, {3, 3}, 1.0);
  const std::vector<double> bare = scaled_log_probs(7, {1}, {3, 3}, 1.0);
  const Scored found = fixture.scores("information-gain", {request}).at(0);
  check_close(scored_of(found, 0).aggregates->sum, own[0] + own[1] - bare[0] - bare[1]);
  // Nothing at all before the response: this form has no token to stand there.
  const Request alone = request_of("r", {{"user", "[4]"}}, {"[3]"});
  const std::vector<Scored> refused = fixture.scores("information-gain", {alone});
  CHECK(contains(refused.at(0).responses.at(0).error, "with the prompt removed: "));
}

TEST_CASE("ifd is the loss over the loss with the prompt removed, whatever aggregation is asked for") {
  Fixture fixture(9);
  fixture.parts.score.aggregate = {.kind = Aggregation::kDiscounted, .gamma = 0.5, .initial_value = true};
  for (const double alpha : {1.0, 0.5}) {
    fixture.parts.score.alpha = alpha;
    const Request request = request_of("r", {{"system", "[1]"}, {"user", "[4]"}, {"assistant", "[2]"}, {"user", "[0]"}},
                                       {"[3][3][1]", "[2]"});
    const Scored found = fixture.scores("ifd", {request}).at(0);
    const std::vector<Tokens> responses = {{3, 3, 1}, {2}};
    for (std::size_t i = 0; i < responses.size(); ++i) {
      const double with = aggregated(scaled_log_probs(9, {1, 4, 2, 0}, responses[i], alpha)).mean;
      const double without = aggregated(scaled_log_probs(9, {1}, responses[i], alpha)).mean;
      check_close(scored_of(found, i).reward, with / without);
      CHECK(scored_of(found, i).reward > 0.0);
      CHECK_FALSE(scored_of(found, i).log_prob.has_value());
    }
  }
  Request alone = request_of("r", {}, {"[3]"});
  alone.prompt_ids = Tokens{1, 4};
  const std::vector<Scored> refused = fixture.scores("ifd", {alone});
  CHECK(contains(refused.at(0).responses.at(0).error, "[ifd] the prompt is given as token ids"));
}

TEST_CASE("ifd has nothing to divide by where the response is certain without its prompt") {
  TabularEngine engine(kVocabulary, [](std::span<const Token> path) {
    std::vector<double> row(kVocabulary, path.size() > 1 ? 0.0 : -1e9);
    row[3] = 0.0;
    return row;
  });
  StatsCache cache(std::nullopt);
  const Request request = request_of("r", {{"system", "[1]"}, {"user", "[4]"}}, {"[3]"});
  const auto scored = make_judge("ifd", {engine, cache}).scorer->score(std::span(&request, 1));
  CHECK(contains(scored.at(0).responses.at(0).error, "the loss to divide by is 0"));
}

// The same texts as other tokens: one more, token 0, stands in front of every response.
class OtherTokens final : public TabularEngine {
 public:
  OtherTokens() : TabularEngine(kVocabulary, random_logits(50), {.name = "other"}) {}

  std::vector<TokenizedResponse> tokenize(std::span<const Message> messages, std::span<const ResponseText> responses,
                                          const TemplateOptions& options) const override {
    std::vector<TokenizedResponse> result = TabularEngine::tokenize(messages, responses, options);
    for (TokenizedResponse& response : result) {
      response.response.insert(response.response.begin(), 0);
      response.byte_offsets.insert(response.byte_offsets.begin(), 0);
    }
    return result;
  }
};

TEST_CASE("models with other tokens are compared by their aggregates, without token differences") {
  Fixture fixture(8);
  OtherTokens reference;
  fixture.parts.reference = &reference;
  Request request = request_of("r", {{"user", "[4]"}}, {"[3][1]"});
  request.responses[0].step_begins = {0, 3};
  const Scored found = fixture.scores("log-ratio", {request}).at(0);
  const std::vector<double> own = scaled_log_probs(8, {4}, {3, 1}, 1.0);
  const std::vector<double> other = scaled_log_probs(50, {4}, {0, 3, 1}, 1.0);
  const ScoredResponse& scored = scored_of(found, 0);
  check_close(scored.aggregates->mean, (own[0] + own[1]) / 2 - (other[0] + other[1] + other[2]) / 3);
  CHECK(scored.tokens.empty());
  CHECK(scored.token_ids.empty());
  CHECK(scored.token_texts.empty());
  REQUIRE(scored.aggregates->steps.size() == 2);
  check_close(scored.aggregates->steps[0].sum, own[0] - other[0] - other[1]);
}

TEST_CASE("a log ratio without a reference is refused, and the reference is part of the fingerprint") {
  Fixture fixture(9);
  CHECK_THROWS_WITH_AS(make_judge("log-ratio", fixture.parts), doctest::Contains("log-ratio needs a reference model"),
                       InvalidInput);
  TabularEngine first(kVocabulary, random_logits(1), {.name = "first"});
  TabularEngine second(kVocabulary, random_logits(2), {.name = "second"});
  fixture.parts.reference = &first;
  const std::string print = make_judge("log-ratio", fixture.parts).fingerprint;
  fixture.parts.reference = &second;
  CHECK(print != make_judge("log-ratio", fixture.parts).fingerprint);
  const std::string contrast = make_judge("contrast", fixture.parts).fingerprint;
  fixture.parts.contrast = {"[1]"};
  CHECK(contrast != make_judge("contrast", fixture.parts).fingerprint);
}

}  // namespace
}  // namespace endorm
