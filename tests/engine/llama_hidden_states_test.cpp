#include <cmath>
#include <limits>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/random.h"
#include "engine/llama/llama_engine.h"
#include "tests/engine/golden_sequences.h"
#include "tests/engine/sequences.h"

// States behind the last norm against transformers: tests/golden/engine_hidden_states.py.
namespace endorm {
namespace {

using nlohmann::json;
using States = std::vector<std::vector<float>>;

// States are normed: their entries are of size 1. f32 on both sides, sums in another order.
constexpr double kTolerance = 1e-4;
// ggml's own GELU comes from a table in half precision (the Gemma models).
constexpr double kGeluTolerance = 3e-3;

LlamaEngineOptions tiny(const std::string& model, Precision precision = Precision::kExact) {
  LlamaEngineOptions options;
  options.model_path = tiny_model_path(model);
  options.template_source = TemplateSource::kRaw;
  options.cache_type = CacheType::kF32;
  options.precision = precision;
  options.flash_attention = precision == Precision::kExact;
  options.threads = 1;
  options.gpu_layers = 0;
  options.hash_model = false;
  return options;
}

double worst_difference(const States& found, const States& expected) {
  REQUIRE(found.size() == expected.size());
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    REQUIRE(found[i].size() == expected[i].size());
    for (std::size_t d = 0; d < found[i].size(); ++d) {
      worst = worse(worst, std::abs(static_cast<double>(found[i][d]) - static_cast<double>(expected[i][d])));
    }
  }
  return worst;
}

States one_by_one(Engine& engine, std::span<const Tokens> sequences) {
  States states;
  for (const Tokens& sequence : sequences) {
    states.push_back(engine.hidden_states()->read(std::span(&sequence, 1)).front());
  }
  return states;
}

TEST_CASE("hidden states are those of transformers for every architecture, together and one by one") {
  const json golden = read_golden("engine_hidden_states.json");
  REQUIRE(golden.at("models").size() == 7);
  for (const json& model : golden.at("models")) {
    const auto name = model.at("name").get<std::string>();
    CAPTURE(name);
    std::vector<Tokens> sequences;
    States expected;
    for (const json& entry : model.at("sequences")) {
      sequences.push_back(entry.at("tokens").get<Tokens>());
      expected.push_back(entry.at("state").get<std::vector<float>>());
    }
    for (const Precision precision : {Precision::kExact, Precision::kNative}) {
      const bool table = precision == Precision::kNative && name.starts_with("gemma");
      const double tolerance = table ? kGeluTolerance : kTolerance;
      LlamaEngineOptions options = tiny(name, precision);
      const auto engine = make_llama_engine(options);
      CHECK(engine->hidden_states() != nullptr);
      const double together = worst_difference(engine->read(sequences), expected);
      const double apart = worst_difference(one_by_one(*engine, sequences), expected);
      options.wave_tokens = 16;
      options.batch_tokens = 8;
      const double waves = worst_difference(make_llama_engine(options)->read(sequences), expected);
      MESSAGE(name, ": together ", together, ", one by one ", apart, ", in small waves ", waves);
      CHECK(together <= tolerance);
      CHECK(apart <= tolerance);
      CHECK(waves <= tolerance);
    }
  }
}

TEST_CASE("hidden states come in the order of the sequences: equal ones, prefixes of others, more than fit at once") {
  constexpr std::uint64_t kSeed = 20261125;
  MESSAGE("seed ", kSeed);
  RandomStream random(kSeed);
  std::vector<Tokens> sequences;
  for (std::size_t i = 0; i < 90; ++i) {
    Tokens tokens = i % 3 == 0 || sequences.empty() ? Tokens{0} : sequences[random.below(sequences.size())];
    const std::size_t more = random.below(12);
    for (std::size_t j = 0; j < more; ++j) {
      tokens.push_back(static_cast<Token>(random.below(320)));
    }
    sequences.push_back(tokens);
  }
  sequences.push_back(sequences[7]);
  sequences.push_back({sequences[8].front()});
  for (const char* name : {"llama", "gemma3", "mamba"}) {
    CAPTURE(name);
    const auto engine = make_llama_engine(tiny(name));
    const States together = engine->read(sequences);
    CHECK(worst_difference(together, one_by_one(*engine, sequences)) <= kTolerance);
  }
}

TEST_CASE("hidden states leave evaluations as they are, and an adapter changes them") {
  const json golden = read_golden("engine_hidden_states.json");
  const auto tokens = golden.at("models").at(0).at("sequences").at(1).at("tokens").get<Tokens>();
  REQUIRE(golden.at("models").at(0).at("name").get<std::string>() == "llama");
  const Sequence sequence{{tokens.front()}, {tokens.begin() + 1, tokens.end()}};
  LlamaEngineOptions options = tiny("llama");
  const auto engine = make_llama_engine(options);
  const SequenceStats before = evaluate_together(*engine, std::span(&sequence, 1));
  const States plain = engine->read(std::span(&tokens, 1));
  CHECK(worst_log_prob_difference(evaluate_together(*engine, std::span(&sequence, 1)), before) == 0.0);
  options.adapters = {{golden_path("engine_tiny_lora.gguf"), 1.0F}};
  CHECK(worst_difference(make_llama_engine(options)->read(std::span(&tokens, 1)), plain) > 0.01);
}

TEST_CASE("hidden states of no tokens, foreign tokens or too many tokens are refused") {
  LlamaEngineOptions options = tiny("llama");
  options.context = 16;
  const auto engine = make_llama_engine(options);
  const std::vector<Tokens> none;
  CHECK(engine->read(none).empty());
  const auto of = [&](const Tokens& tokens) { return engine->read(std::span(&tokens, 1)); };
  CHECK_THROWS_WITH_AS(of({}), doctest::Contains("empty"), InvalidInput);
  CHECK_THROWS_WITH_AS(of({320}), doctest::Contains("vocabulary of 320"), InvalidInput);
  CHECK_THROWS_WITH_AS(of(Tokens(17, 1)), doctest::Contains("context of 16"), InvalidInput);
  CHECK(of(Tokens(16, 1)).front().size() == 64);
}

}  // namespace
}  // namespace endorm
