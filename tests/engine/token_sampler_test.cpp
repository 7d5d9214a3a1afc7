#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/random.h"
#include "engine/completion_draft.h"
#include "engine/tabular_engine.h"

namespace endorm {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Row = std::vector<double>;

Token draw(const Row& row, double temperature, double top_p, double uniform) {
  SamplingOptions options;
  options.temperature = temperature;
  options.top_p = top_p;
  return draw_token(std::span<const double>(row), options, uniform);
}

TEST_CASE("temperature 0 takes the largest logit, the first of equal ones, whatever the number drawn") {
  CHECK(draw({1.0, 3.0, 2.0}, 0.0, 1.0, 0.99) == 1);
  CHECK(draw({-kInfinity, 2.0, 2.0}, 0.0, 1.0, 0.99) == 1);
}

TEST_CASE("a number falls into the token whose share of the probability it lies in") {
  const Row row{std::log(0.5), std::log(0.2), -kInfinity, std::log(0.3)};
  const double e = 1e-9;
  CHECK(draw(row, 1.0, 1.0, 0.0) == 0);
  CHECK(draw(row, 1.0, 1.0, 0.5 - e) == 0);
  CHECK(draw(row, 1.0, 1.0, 0.5 + e) == 1);
  CHECK(draw(row, 1.0, 1.0, 0.7 - e) == 1);
  CHECK(draw(row, 1.0, 1.0, 0.7 + e) == 3);
  CHECK(draw(row, 1.0, 1.0, std::nextafter(1.0, 0.0)) == 3);
  // p^(1/T) at T = 1/2: 25, 4 and 9 of 38.
  CHECK(draw(row, 0.5, 1.0, 25.0 / 38 - e) == 0);
  CHECK(draw(row, 0.5, 1.0, 25.0 / 38 + e) == 1);
  CHECK(draw(row, 0.5, 1.0, 29.0 / 38 + e) == 3);
  // A temperature so low that every other weight is 0.
  CHECK(draw(row, 1e-300, 1.0, 0.999) == 0);
}

TEST_CASE("the nucleus is the smallest set of likely tokens with the probability asked for, most likely first") {
  const Row row{std::log(0.1), std::log(0.4), std::log(0.2), std::log(0.3)};
  const double e = 1e-9;
  CHECK(draw(row, 1.0, 0.3, 0.999) == 1);        // 0.4 is enough
  CHECK(draw(row, 1.0, 0.6, 4.0 / 7 - e) == 1);  // 0.4 + 0.3
  CHECK(draw(row, 1.0, 0.6, 4.0 / 7 + e) == 3);
  CHECK(draw(row, 1.0, 0.6, 0.999) == 3);
  CHECK(draw(row, 1.0, 0.85, 0.999) == 2);
  CHECK(draw(row, 1.0, 0.95, 0.999) == 0);
  CHECK(draw({0.0, 0.0, 0.0}, 1.0, 0.3, 0.9) == 0);  // of equal ones the first
}

// By the definition: all weights in long double, sorted where there is a nucleus, walked from the front.
Token draw_plainly(const std::vector<float>& row, const SamplingOptions& options, double uniform) {
  const float largest = *std::max_element(row.begin(), row.end());
  std::vector<std::pair<long double, std::size_t>> tokens;
  long double total = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    tokens.emplace_back(std::exp((static_cast<long double>(row[i]) - largest) / options.temperature), i);
    total += tokens.back().first;
  }
  if (options.top_p < 1.0) {
    std::stable_sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    long double sum = 0;
    std::size_t kept = 0;
    while (kept == 0 || sum < options.top_p * total) {
      sum += tokens[kept++].first;
    }
    tokens.resize(kept);
    total = sum;
  }
  long double left = uniform * total;
  for (const auto& [weight, token] : tokens) {
    if (left < weight) {
      return static_cast<Token>(token);
    }
    left -= weight;
  }
  return static_cast<Token>(tokens.back().second);
}

TEST_CASE("floats and doubles draw the token of the definition, over rows of many blocks, flat, peaked and masked") {
  constexpr std::uint64_t kSeed = 7;
  MESSAGE("seed ", kSeed);
  RandomStream random(kSeed);
  for (int n = 0; n < 600; ++n) {
    std::vector<float> row(1 + random.below(3000));
    const double scale = n % 3 == 0 ? 0.1 : n % 3 == 1 ? 4.0 : 30.0;
    for (float& logit : row) {
      logit =
          random.below(4) == 0 ? -std::numeric_limits<float>::infinity() : static_cast<float>(scale * random.normal());
    }
    row[random.below(row.size())] = 1.0F;
    const Row wide(row.begin(), row.end());
    SamplingOptions options;
    options.temperature = n % 5 == 0 ? 0.4 : 1.0;
    options.top_p = n % 2 == 0 ? 1.0 : random.uniform();
    const double uniform = random.uniform();
    CAPTURE(n);
    const Token expected = draw_plainly(row, options, uniform);
    CHECK(draw_token(std::span<const float>(row), options, uniform) == expected);
    CHECK(draw_token(std::span<const double>(wide), options, uniform) == expected);
  }
}

TEST_CASE("rows and options that make no sense are refused, by name") {
  CHECK_THROWS_WITH_AS(draw({0.0, std::nan("")}, 1.0, 1.0, 0.5), doctest::Contains("logits[1]"), InvalidInput);
  CHECK_THROWS_WITH_AS(draw({0.0, kInfinity}, 0.0, 1.0, 0.5), doctest::Contains("logits[1]"), InvalidInput);
  CHECK_THROWS_WITH_AS(draw({-kInfinity, -kInfinity}, 1.0, 1.0, 0.5), doctest::Contains("-infinity"), InvalidInput);
  CHECK_THROWS_AS(draw({}, 1.0, 1.0, 0.5), InvalidInput);
  const auto refuses = [](const char* name, const SamplingOptions& options) {
    CHECK_THROWS_WITH_AS(check_sampling(options), doctest::Contains(name), InvalidInput);
  };
  CHECK_NOTHROW(check_sampling({}));
  for (const double temperature : {-1.0, std::nan(""), kInfinity, 1e-310}) {
    refuses("temperature", {8, temperature, 1.0, {}});
  }
  for (const double top_p : {0.0, 1.1, std::nan("")}) {
    refuses("top_p", {8, 1.0, top_p, {}});
  }
  refuses("max_tokens", {0, 1.0, 1.0, {}});
  refuses("stop string", {8, 1.0, 1.0, {"a", ""}});
}

// The completion of these pieces, as many as are wanted.
Completion completed(const std::vector<std::string>& pieces, const SamplingOptions& options) {
  const GenerationRequest request{{0}, 0};
  CompletionDraft draft(request, options);
  for (std::size_t i = 0; i < pieces.size() && !draft.ended(); ++i) {
    draft.add(static_cast<Token>(i), pieces[i]);
  }
  if (!draft.ended()) {
    draft.end_turn(0);
  }
  return draft.take();
}

TEST_CASE("stop strings: inside a token, over two and over three, the first of several; the text ends before them") {
  const std::vector<std::string> pieces{"On", "e\nQu", "es", "tion", ": two"};
  struct Case {
    std::vector<std::string> stop;
    std::string text;
    std::size_t tokens;
    CompletionEnd end;
  };
  const std::vector<Case> cases{
      {{}, "One\nQuestion: two", 5, CompletionEnd::kEndOfTurn},
      {{"absent"}, "One\nQuestion: two", 5, CompletionEnd::kEndOfTurn},
      {{"\n"}, "One", 2, CompletionEnd::kStop},
      {{"ne"}, "O", 2, CompletionEnd::kStop},
      {{"Question"}, "One\n", 4, CompletionEnd::kStop},
      {{"tion", "Quest"}, "One\n", 4, CompletionEnd::kStop},
      {{": t", "absent"}, "One\nQuestion", 5, CompletionEnd::kStop},
      {{"One\nQuestion: two"}, "", 5, CompletionEnd::kStop},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Completion completion = completed(pieces, {8, 1.0, 1.0, c.stop});
    CHECK(completion.text == c.text);
    CHECK(completion.tokens.size() == c.tokens);
    CHECK(completion.end == c.end);
  }
}

TEST_CASE("a completion ends at max_tokens, and its text is UTF-8 where a character was cut") {
  const Completion completion = completed({"caf", "\xC3", "\xA9"}, {2, 1.0, 1.0, {}});
  CHECK(completion.end == CompletionEnd::kLength);
  CHECK(completion.tokens == Tokens{0, 1});
  CHECK(completion.text == "caf\xEF\xBF\xBD");
  CHECK(completed({"caf", "\xC3", "\xA9"}, {3, 1.0, 1.0, {}}).text == "caf\xC3\xA9");
}

// Token 2 ends a turn; the state is how many tokens there are: 0 and 1 alternate in likelihood.
TabularEngine alternating() {
  TabularOptions options;
  options.end_of_turn = true;
  options.context = 12;
  return TabularEngine(
      3,
      [](std::span<const Token> path) {
        return path.size() % 2 == 0 ? Row{std::log(0.7), std::log(0.2), std::log(0.1)}
                                    : Row{std::log(0.1), std::log(0.6), std::log(0.3)};
      },
      options);
}

TEST_CASE("a tabular problem writes: greedily, to a stop string, and with the probabilities of its table") {
  TabularEngine engine = alternating();
  CHECK(engine.generator() != nullptr);
  const Message message{"user", "[0]"};
  CHECK(engine.open_turn(std::span(&message, 1), TemplateOptions{}) == Tokens{0});
  const GenerationRequest request{{0}, 5};
  SamplingOptions options{4, 0.0, 1.0, {}};
  const Completion greedy = engine.generate(std::span(&request, 1), options).front();
  CHECK(greedy.tokens == Tokens{1, 0, 1, 0});
  CHECK(greedy.text == "[1][0][1][0]");
  CHECK(greedy.end == CompletionEnd::kLength);
  options.stop = {"][0"};
  CHECK(engine.generate(std::span(&request, 1), options).front().text == "[1");
  std::size_t taken = 0;
  const auto count = [&](std::size_t, const Completion&) { ++taken; };
  const std::vector<GenerationRequest> last_too_long{request, {Tokens(12, 0), 0}};
  CHECK_THROWS_WITH_AS(engine.generate(last_too_long, options, count), doctest::Contains("12"), InvalidInput);
  CHECK(taken == 0);

  constexpr std::size_t kDraws = 20000;
  MESSAGE("seeds 0 to ", kDraws - 1);
  std::vector<GenerationRequest> requests;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    requests.push_back({{0}, seed});
  }
  std::map<std::string, double> counts;
  for (const Completion& completion : engine.generate(requests, {1, 1.0, 1.0, {}})) {
    counts[completion.end == CompletionEnd::kEndOfTurn ? "end" : completion.text] += 1.0 / kDraws;
  }
  const double tolerance = 4.0 * std::sqrt(0.25 / kDraws);  // four standard deviations
  CHECK(std::abs(counts["[0]"] - 0.1) <= tolerance);
  CHECK(std::abs(counts["[1]"] - 0.6) <= tolerance);
  CHECK(std::abs(counts["end"] - 0.3) <= tolerance);
}

}  // namespace
}  // namespace endorm
