#include <array>
#include <cmath>

#include <doctest/doctest.h>

#include "core/random.h"
#include "engine/engine.h"
#include "engine/llama/llama_engine.h"
#include "tests/engine/sequences.h"

// Statistics computed beside the logits, as on a GPU, against the host's on the same passes. The device is the
// processor here: the graph is the same, its kernels are ggml's for this processor.
namespace endorm {
namespace {

constexpr std::uint64_t kSeed = 20260611;
constexpr std::size_t kVocabulary = 320;

LlamaEngineOptions options_of(const std::string& model, Precision precision, StatisticsPlace place) {
  LlamaEngineOptions options;
  options.model_path = tiny_model_path(model);
  options.template_source = TemplateSource::kRaw;
  options.cache_type = CacheType::kF32;
  options.precision = precision;
  options.statistics = place;
  options.threads = 1;
  options.gpu_layers = 0;
  options.hash_model = false;
  options.wave_tokens = 64;
  options.batch_tokens = 32;
  return options;
}

// `branches` continuations behind one prefix, so that its last row has as many targets.
std::vector<Sequence> random_branches(RandomStream& random, std::size_t branches, std::size_t length) {
  Sequence sequence;
  for (std::size_t i = 0; i < 12; ++i) {
    sequence.prefix.push_back(static_cast<Token>(random.below(kVocabulary)));
  }
  std::vector<Sequence> sequences(branches, sequence);
  for (std::size_t i = 0; i < branches; ++i) {
    sequences[i].continuation = {static_cast<Token>(i)};
    for (std::size_t j = 1; j < length; ++j) {
      sequences[i].continuation.push_back(static_cast<Token>(random.below(kVocabulary)));
    }
  }
  return sequences;
}

struct Difference {
  double logit = 0.0;
  double value = 0.0;
  double entropy = 0.0;
  double divergence = 0.0;
};

Difference worst_difference(const SequenceStats& found, const SequenceStats& expected) {
  REQUIRE(found.size() == expected.size());
  Difference worst;
  for (std::size_t i = 0; i < found.size(); ++i) {
    REQUIRE(found[i].size() == expected[i].size());
    for (std::size_t t = 0; t < found[i].size(); ++t) {
      worst.logit = worse(std::fabs(found[i][t].logit - expected[i][t].logit), worst.logit);
      worst.value = worse(std::fabs(found[i][t].log_sum_exp - expected[i][t].log_sum_exp), worst.value);
      REQUIRE(found[i][t].entropy.has_value());
      worst.entropy = worse(std::fabs(*found[i][t].entropy - *expected[i][t].entropy), worst.entropy);
      const double divergence = found[i][t].uniform_divergence.value() - expected[i][t].uniform_divergence.value();
      worst.divergence = worse(std::fabs(divergence), worst.divergence);
    }
  }
  return worst;
}

TEST_CASE("the device's statistics are the host's, for every architecture, precision and alpha") {
  MESSAGE("seed ", kSeed);
  RandomStream random(kSeed);
  const std::vector<Sequence> sequences = random_branches(random, 9, 15);
  for (const std::string model : {"llama", "qwen2", "phi3", "gemma2", "gemma3", "qwen2moe"}) {
    for (const Precision precision : {Precision::kNative, Precision::kExact}) {
      CAPTURE(model);
      const auto device = make_llama_engine(options_of(model, precision, StatisticsPlace::kDevice));
      const auto host = make_llama_engine(options_of(model, precision, StatisticsPlace::kHost));
      REQUIRE(device->statistics_fault().empty());
      CHECK(device->model().arithmetic.ends_with("statistics on the device"));
      CHECK(device->model().fingerprint != host->model().fingerprint);
      for (const double alpha : {1.0, 0.3, 4.0}) {
        CAPTURE(alpha);
        const EvaluateOptions options{.alphas = {alpha}};
        const Difference worst = worst_difference(evaluate_together(*device, sequences, options),
                                                  evaluate_together(*host, sequences, options));
        MESSAGE(model, ", alpha ", alpha, ": logit ", worst.logit, ", V ", worst.value, ", entropy ", worst.entropy,
                ", divergence ", worst.divergence);
        // The passes may have other shapes, so that products differ in the last bits; the sums are in float.
        CHECK(worst.logit <= 1e-4);
        CHECK(worst.value * alpha <= 1e-4);
        CHECK(worst.entropy <= 1e-3);
        CHECK(worst.divergence <= 1e-3);
      }
    }
  }
}

TEST_CASE(
    "several temperatures are those of a pass for each, to the bit; only a device computes them in as many passes") {
  MESSAGE("seed ", kSeed);
  RandomStream random(kSeed);
  const std::vector<Sequence> sequences = random_branches(random, 9, 15);
  std::vector<TokenPath> paths;
  for (const Sequence& sequence : sequences) {
    paths.push_back({sequence.prefix, sequence.continuation});
  }
  const std::vector<double> alphas = {1.0, 0.3, 4.0};
  const auto bits_of = [](const TokenStats& stats) {
    return std::array{stats.logit, stats.log_sum_exp, stats.entropy.value(), stats.uniform_divergence.value()};
  };
  for (const Precision precision : {Precision::kNative, Precision::kExact}) {
    for (const StatisticsPlace place : {StatisticsPlace::kHost, StatisticsPlace::kDevice}) {
      CAPTURE(precision);
      CAPTURE(place);
      const auto engine = make_llama_engine(options_of("llama", precision, place));
      const auto of_alphas = evaluate_paths(*engine, paths, {.alphas = alphas});
      const std::size_t together = engine->tokens_computed();
      REQUIRE(of_alphas.size() == alphas.size());
      for (std::size_t i = 0; i < alphas.size(); ++i) {
        const SequenceStats expected = evaluate_paths(*engine, paths, {.alphas = {alphas[i]}}).front();
        for (std::size_t sequence = 0; sequence < paths.size(); ++sequence) {
          REQUIRE(of_alphas[i][sequence].size() == expected[sequence].size());
          for (std::size_t t = 0; t < expected[sequence].size(); ++t) {
            CHECK(bits_of(of_alphas[i][sequence][t]) == bits_of(expected[sequence][t]));
          }
        }
      }
      const std::size_t each = (engine->tokens_computed() - together) / alphas.size();
      CHECK(together == (place == StatisticsPlace::kDevice ? alphas.size() * each : each));
    }
  }
}

TEST_CASE("the likeliest tokens are those of the row, whoever reads it; a device refuses them") {
  RandomStream random(kSeed);
  const std::vector<Sequence> sequences = random_branches(random, 3, 9);
  for (const std::string model : {"llama", "gemma2"}) {
    for (const Precision precision : {Precision::kNative, Precision::kExact}) {
      CAPTURE(model);
      CAPTURE(precision);
      const auto engine = make_llama_engine(options_of(model, precision, StatisticsPlace::kHost));
      const SequenceStats few = evaluate_together(*engine, sequences, {.likeliest = 5});
      const SequenceStats all = evaluate_together(*engine, sequences, {.likeliest = 2 * kVocabulary});
      const SequenceStats none = evaluate_together(*engine, sequences);
      for (std::size_t i = 0; i < sequences.size(); ++i) {
        for (std::size_t t = 0; t < all[i].size(); ++t) {
          const TokenStats& stats = all[i][t];
          REQUIRE(stats.likeliest.size() == kVocabulary);
          REQUIRE(few[i][t].likeliest.size() == 5);
          CHECK(none[i][t].likeliest.empty());
          CHECK(stats.likeliest.front().place == stats.largest.value().place);
          CHECK(stats.likeliest.front().logit == stats.largest.value().logit);
          double sum = 0.0;
          for (std::size_t rank = 0; rank < kVocabulary; ++rank) {
            const LargestLogit& each = stats.likeliest[rank];
            sum += std::exp(each.logit - stats.log_sum_exp);
            CHECK((rank == 0 || each.logit <= stats.likeliest[rank - 1].logit));
            CHECK((rank >= 5 || each.place == few[i][t].likeliest[rank].place));
            if (static_cast<Token>(each.place) == sequences[i].continuation[t]) {
              CHECK(each.logit == stats.logit);
            }
          }
          CHECK(sum == doctest::Approx(1.0).epsilon(1e-9));
        }
      }
    }
  }
  const auto device = make_llama_engine(options_of("llama", Precision::kNative, StatisticsPlace::kDevice));
  CHECK_THROWS_WITH_AS(evaluate_together(*device, sequences, {.likeliest = 5}), doctest::Contains("--statistics host"),
                       InvalidInput);
}

TEST_CASE("a recurrent model is read on the host") {
  const auto engine = make_llama_engine(options_of("mamba", Precision::kNative, StatisticsPlace::kDevice));
  CHECK(engine->model().arithmetic == "native");
}

TEST_CASE("more targets than a row has room for go to the host, and the reason is told") {
  MESSAGE("seed ", kSeed);
  RandomStream random(kSeed);
  const std::vector<Sequence> many = random_branches(random, kVocabulary, 2);
  const auto device = make_llama_engine(options_of("llama", Precision::kNative, StatisticsPlace::kDevice));
  const auto host = make_llama_engine(options_of("llama", Precision::kNative, StatisticsPlace::kHost));
  const Difference worst = worst_difference(evaluate_together(*device, many), evaluate_together(*host, many));
  CHECK(worst.value <= 1e-4);
  CHECK(device->statistics_fault().find("too many") != std::string::npos);
}

}  // namespace
}  // namespace endorm
