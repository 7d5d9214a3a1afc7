#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/random.h"
#include "engine/llama/llama_engine.h"
#include "tests/engine/golden_sequences.h"
#include "tests/engine/sequences.h"

// Completions by small models with random weights. Greedy ones against transformers: tests/golden/engine_generation.py.
namespace endorm {
namespace {

using nlohmann::json;

constexpr std::uint64_t kSeed = 20261125;
constexpr std::size_t kVocabulary = 320;

LlamaEngineOptions tiny(const std::string& model, Precision precision = Precision::kExact) {
  LlamaEngineOptions options;
  options.model_path = tiny_model_path(model);
  options.template_source = TemplateSource::kRaw;
  options.cache_type = CacheType::kF32;
  options.precision = precision;
  options.flash_attention = precision == Precision::kExact;
  options.threads = 2;
  options.gpu_layers = 0;
  options.hash_model = false;
  return options;
}

// Prompts of which many share beginnings, some are equal, and some are longer than a pass of eight tokens.
std::vector<GenerationRequest> requests_of(RandomStream& random, std::size_t count) {
  std::vector<GenerationRequest> requests;
  for (std::size_t i = 0; i < count; ++i) {
    Tokens prompt = i % 4 == 0 || requests.empty() ? Tokens{0} : requests[random.below(requests.size())].prompt;
    const std::size_t more = i % 5 == 4 ? 0 : random.below(30);
    for (std::size_t t = 0; t < more; ++t) {
      prompt.push_back(static_cast<Token>(3 + random.below(kVocabulary - 3)));
    }
    requests.push_back({prompt, random.next()});
  }
  return requests;
}

std::vector<Completion> one_by_one(Engine& engine, std::span<const GenerationRequest> requests,
                                   const SamplingOptions& options) {
  std::vector<Completion> completions;
  for (const GenerationRequest& request : requests) {
    completions.push_back(engine.generator()->generate(std::span(&request, 1), options).front());
  }
  return completions;
}

void check_same(const std::vector<Completion>& found, const std::vector<Completion>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i].tokens == expected[i].tokens);
    CHECK(found[i].text == expected[i].text);
    CHECK(found[i].end == expected[i].end);
  }
}

// log-probabilities of every token behind the prompt [V].
std::vector<double> next_log_probs(Engine& engine, const Tokens& prompt) {
  std::vector<Sequence> sequences;
  for (std::size_t token = 0; token < kVocabulary; ++token) {
    sequences.push_back({prompt, {static_cast<Token>(token)}});
  }
  std::vector<double> log_probs;
  for (const std::vector<TokenStats>& stats : evaluate_together(engine, sequences)) {
    log_probs.push_back(log_prob(stats.front()));
  }
  return log_probs;
}

// Chi-squared of the counts as a standard normal number (Wilson and Hilferty, 1931). Rare tokens count as one.
double chi_squared_deviation(const std::vector<double>& counts, const std::vector<double>& expected) {
  double chi_squared = 0;
  double bins = 0;
  double rare_count = 0;
  double rare_expected = 0;
  const auto add = [&](double count, double expectation) {
    chi_squared += (count - expectation) * (count - expectation) / expectation;
    ++bins;
  };
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (expected[i] >= 10) {
      add(counts[i], expected[i]);
    } else {
      rare_count += counts[i];
      rare_expected += expected[i];
    }
  }
  add(rare_count, rare_expected);
  const double freedom = bins - 1;
  return (std::cbrt(chi_squared / freedom) - (1 - 2 / (9 * freedom))) / std::sqrt(2 / (9 * freedom));
}

TEST_CASE("greedy completions are those of transformers for every architecture, together and one by one") {
  const json golden = read_golden("engine_generation.json");
  const auto length = golden.at("length").get<std::size_t>();
  REQUIRE(golden.at("models").size() == 7);
  for (const json& model : golden.at("models")) {
    const auto name = model.at("name").get<std::string>();
    CAPTURE(name);
    std::vector<GenerationRequest> requests;
    for (const json& entry : model.at("completions")) {
      requests.push_back({entry.at("prompt").get<Tokens>(), 0});
    }
    const SamplingOptions options{length, 0.0, 1.0, {}};
    for (const Precision precision : {Precision::kExact, Precision::kNative}) {
      const auto engine = make_llama_engine(tiny(name, precision));
      CHECK(engine->generator() != nullptr);
      for (const auto& completions : {engine->generate(requests, options), one_by_one(*engine, requests, options)}) {
        REQUIRE(completions.size() == requests.size());
        for (std::size_t i = 0; i < requests.size(); ++i) {
          CAPTURE(i);
          const json& entry = model.at("completions").at(i);
          const auto expected = entry.at("tokens").get<Tokens>();
          Tokens found = completions[i].tokens;
          const auto end = entry.at("end").get<std::string>();
          if (end == "near_tie") {
            REQUIRE(found.size() >= expected.size());
            found.resize(expected.size());
          } else {
            CHECK((completions[i].end == CompletionEnd::kEndOfTurn) == (end == "end_of_turn"));
          }
          CHECK(found == expected);
        }
      }
    }
  }
}

TEST_CASE(
    "a completion depends on its prompt and seed, not on what is drawn beside it nor on how many slots there are") {
  MESSAGE("seed ", kSeed);
  const SamplingOptions sampling{20, 1.0, 0.95, {}};
  for (const char* name : {"llama", "qwen2", "gemma3", "mamba"}) {
    CAPTURE(name);
    RandomStream random(kSeed);
    const std::vector<GenerationRequest> requests = requests_of(random, 40);
    const std::vector<Completion> expected = one_by_one(*make_llama_engine(tiny(name)), requests, sampling);
    const auto engine = make_llama_engine(tiny(name));
    check_same(engine->generate(requests, sampling), expected);
    check_same(engine->generate(requests, sampling), expected);  // the slots are full of the first run

    LlamaEngineOptions small = tiny(name);
    small.batch_tokens = 8;
    small.generation_bytes = 1 << 20;  // three slots, those of mamba eight
    check_same(make_llama_engine(small)->generate(requests, sampling), expected);

    std::vector<GenerationRequest> backwards(requests.rbegin(), requests.rend());
    std::vector<Completion> found = engine->generate(backwards, sampling);
    std::reverse(found.begin(), found.end());
    check_same(found, expected);
  }
}

TEST_CASE("drawn tokens have the probabilities that evaluate() gives, at every temperature") {
  constexpr std::size_t kDraws = 20000;
  MESSAGE("seeds 0 to ", kDraws - 1);
  const Tokens prompt{0, 97, 208, 98, 311};
  const auto engine = make_llama_engine(tiny("llama"));
  const std::vector<double> log_probs = next_log_probs(*engine, prompt);
  std::vector<GenerationRequest> requests;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    requests.push_back({prompt, seed});
  }
  for (const double temperature : {1.0, 0.7}) {
    std::vector<double> expected(kVocabulary);
    double total = 0;
    for (std::size_t token = 0; token < kVocabulary; ++token) {
      expected[token] = std::exp(log_probs[token] / temperature);
      total += expected[token];
    }
    for (double& expectation : expected) {
      expectation *= kDraws / total;
    }
    // Tokens that end a turn are not in the completion, and count together.
    std::vector<double> counts(kVocabulary);
    expected[0] += std::exchange(expected[2], 0.0);
    for (const Completion& completion : engine->generate(requests, {1, temperature, 1.0, {}})) {
      counts[completion.tokens.empty() ? 0 : static_cast<std::size_t>(completion.tokens.front())] += 1;
    }
    const double deviation = chi_squared_deviation(counts, expected);
    MESSAGE("temperature ", temperature, ": chi-squared lies ", deviation, " standard deviations from its mean");
    CHECK(std::abs(deviation) < 4.0);
  }
}

TEST_CASE("no token outside the nucleus is drawn, and every likely one inside it is") {
  constexpr std::size_t kDraws = 4000;
  constexpr double kTopP = 0.7;
  MESSAGE("seeds 0 to ", kDraws - 1);
  const Tokens prompt{0, 97, 208, 98, 311};
  const auto engine = make_llama_engine(tiny("llama"));
  const std::vector<double> log_probs = next_log_probs(*engine, prompt);
  std::vector<Token> by_probability(kVocabulary);
  for (std::size_t token = 0; token < kVocabulary; ++token) {
    by_probability[token] = static_cast<Token>(token);
  }
  const auto probability = [&](Token token) { return std::exp(log_probs[static_cast<std::size_t>(token)]); };
  std::sort(by_probability.begin(), by_probability.end(),
            [&](Token a, Token b) { return probability(a) > probability(b); });
  std::map<Token, std::size_t> counts;
  double mass = 0;
  for (std::size_t i = 0; mass < kTopP; ++i) {
    counts[by_probability[i]] = 0;
    mass += probability(by_probability[i]);
  }
  REQUIRE(counts.size() > 3);
  std::vector<GenerationRequest> requests;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    requests.push_back({prompt, seed});
  }
  for (const Completion& completion : engine->generate(requests, {1, 1.0, kTopP, {}})) {
    REQUIRE(!completion.tokens.empty());
    REQUIRE(counts.contains(completion.tokens.front()));
    ++counts[completion.tokens.front()];
  }
  for (const auto& [token, count] : counts) {
    CAPTURE(token);
    const double expected = kDraws * probability(token) / mass;
    CHECK(std::abs(static_cast<double>(count) - expected) < 5 * std::sqrt(expected) + 5);
  }
}

TEST_CASE("a stop string ends a completion, also across tokens, and max_tokens does") {
  const auto engine = make_llama_engine(tiny("llama"));
  RandomStream random(kSeed);
  std::size_t tried = 0;
  for (const GenerationRequest& request : requests_of(random, 12)) {
    const auto written = [&](std::size_t max_tokens, std::vector<std::string> stop) {
      const SamplingOptions options{max_tokens, 1.0, 1.0, std::move(stop)};
      return engine->generate(std::span(&request, 1), options).front();
    };
    const Completion whole = written(24, {});
    for (std::size_t i = 4; i + 1 < whole.tokens.size(); ++i) {
      // The last byte of one token and the first of the next.
      const std::string stop{engine->token_bytes(whole.tokens[i]).back(),
                             engine->token_bytes(whole.tokens[i + 1]).front()};
      const std::size_t at = whole.text.find(stop);
      const bool ascii = std::all_of(stop.begin(), stop.end(), [](char c) { return c > ' ' && c <= '~'; });
      if (!ascii || at == std::string::npos) {
        continue;
      }
      ++tried;
      const Completion stopped = written(24, {"\x01 absent", stop});
      CHECK(stopped.end == CompletionEnd::kStop);
      CHECK(stopped.text == whole.text.substr(0, at));
      CHECK(stopped.tokens.size() <= i + 2);
      CHECK(std::equal(stopped.tokens.begin(), stopped.tokens.end(), whole.tokens.begin()));
      break;
    }
    if (whole.tokens.size() > 5) {
      const Completion cut = written(5, {});
      CHECK(cut.end == CompletionEnd::kLength);
      CHECK(cut.tokens == Tokens(whole.tokens.begin(), whole.tokens.begin() + 5));
    }
  }
  CHECK(tried >= 3);
}

TEST_CASE("log-probabilities of a completion are those of the model that reads it again, with the token that ends it") {
  MESSAGE("seed ", kSeed);
  for (const char* name : {"llama", "mamba"}) {
    CAPTURE(name);
    const auto engine = make_llama_engine(tiny(name));
    RandomStream random(kSeed);
    const std::vector<GenerationRequest> requests = requests_of(random, 12);
    SamplingOptions options{30, 1.3, 0.9, {}};
    for (const Completion& completion : engine->generate(requests, options)) {
      CHECK(completion.log_probs.empty());
    }
    options.log_probs = true;
    const std::vector<Completion> completions = engine->generate(requests, options);
    for (std::size_t i = 0; i < completions.size(); ++i) {
      Tokens tokens = completions[i].tokens;
      CHECK(completions[i].end_token.has_value() == (completions[i].end == CompletionEnd::kEndOfTurn));
      if (completions[i].end_token) {
        tokens.push_back(*completions[i].end_token);
      }
      TokenTree tree;
      const std::vector<std::size_t> nodes = tree.insert(requests[i].prompt, tokens);
      const std::vector<TokenStats> stats = engine->evaluate(tree, {}).front();
      REQUIRE(completions[i].log_probs.size() == tokens.size());
      for (std::size_t t = 0; t < tokens.size(); ++t) {
        // Passes of other shapes.
        CHECK(std::abs(completions[i].log_probs[t] - log_prob(stats[t])) < 1e-4);
      }
    }
  }
}

TEST_CASE("completions come out as they end, each once, and a sink that throws ends the generation") {
  MESSAGE("seed ", kSeed);
  struct Enough {};
  for (const char* name : {"llama", "mamba"}) {
    CAPTURE(name);
    const auto engine = make_llama_engine(tiny(name));
    RandomStream random(kSeed);
    std::vector<GenerationRequest> requests = requests_of(random, 30);
    SamplingOptions options{40, 1.0, 1.0, {"e"}};  // most stop early, each at a length of its own
    const std::vector<Completion> expected = engine->generate(requests, options);
    std::vector<std::size_t> order;
    std::vector<Completion> found(requests.size());
    engine->generate(requests, options, [&](std::size_t request, Completion completion) {
      order.push_back(request);
      found.at(request) = std::move(completion);
    });
    check_same(found, expected);
    // All requests have a slot, so that fewer tokens end sooner; one that waits for a prefix begins at most a few
    // passes later. Slots are handed over in their order, not that of the requests.
    CHECK(!std::is_sorted(order.begin(), order.end()));
    CHECK(found.at(order.front()).tokens.size() < found.at(order.back()).tokens.size());
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < order.size(); ++i) {
      CHECK(order[i] == i);
    }
    CHECK(order.size() == requests.size());

    std::size_t taken = 0;
    const auto take_five = [&](std::size_t, const Completion&) {
      if (++taken == 5) {
        throw Enough{};
      }
    };
    CHECK_THROWS_AS(engine->generate(requests, options, take_five), Enough);
    CHECK(taken == 5);
    check_same(engine->generate(requests, options), expected);
  }
}

TEST_CASE("what prompts share is computed once, and evaluations are left as they are") {
  const Tokens prompt(200, 5);
  std::vector<GenerationRequest> requests;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    requests.push_back({prompt, seed});
    requests.back().prompt.push_back(static_cast<Token>(seed + 10));
  }
  const auto engine = make_llama_engine(tiny("llama"));
  const Sequence sequence{{0}, {97, 208, 98}};
  const SequenceStats before = evaluate_together(*engine, std::span(&sequence, 1));
  const SamplingOptions options{8, 0.0, 1.0, {}};
  const std::vector<Completion> together = engine->generate(requests, options);
  check_same(together, one_by_one(*make_llama_engine(tiny("llama")), requests, options));
  CHECK(worst_log_prob_difference(evaluate_together(*engine, std::span(&sequence, 1)), before) == 0.0);
  // 30 prompts of 201 tokens would be 6030: one, a token of the others, and eight a completion.
  CHECK(engine->tokens_computed_to_generate() <= 201 + 29 + 30 * 8);
}

TEST_CASE("requests that cannot be met are refused before anything is computed") {
  LlamaEngineOptions options = tiny("llama");
  options.context = 16;
  const auto engine = make_llama_engine(options);
  const auto of = [&](const Tokens& prompt, std::size_t max_tokens) {
    const GenerationRequest request{prompt, 0};
    return engine->generate(std::span(&request, 1), {max_tokens, 0.0, 1.0, {}});
  };
  CHECK(engine->generate({}, {}).empty());
  CHECK_THROWS_WITH_AS(of({}, 4), doctest::Contains("empty"), InvalidInput);
  CHECK_THROWS_WITH_AS(of({320}, 4), doctest::Contains("vocabulary of 320"), InvalidInput);
  CHECK_THROWS_WITH_AS(of(Tokens(13, 5), 4), doctest::Contains("context of 16"), InvalidInput);
  CHECK(of(Tokens(12, 5), 4).size() == 1);
  CHECK_THROWS_WITH_AS(of({5}, 0), doctest::Contains("max_tokens"), InvalidInput);
}

}  // namespace
}  // namespace endorm
