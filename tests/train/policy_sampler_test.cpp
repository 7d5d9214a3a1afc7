#include "train/policy_sampler.h"

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/engine.h"
#include "engine/weights/weight_file.h"
#include "tests/engine/sequences.h"
#include "tests/temporary_directory.h"
#include "tests/train/tiny_models.h"
#include "train/export.h"
#include "train/packed_batch.h"

using namespace endorm;

namespace {

constexpr double kTolerance = 1e-4;  // nats a token, between three ways to the same number

LlamaEngineOptions engine_options(const std::string& model) {
  LlamaEngineOptions options;
  options.model_path = tiny_model_path(model);
  options.template_source = TemplateSource::kRaw;
  options.cache_type = CacheType::kF32;
  options.threads = 2;
  return options;
}

// Adapters that change the model a lot: B, which begins at zero, is drawn as well.
Decoder adapted_decoder(const std::string& model) {
  Decoder decoder = tiny_decoder(model, {});
  decoder.add_adapters({.rank = 3, .alpha = 6.0}, 11);
  for (auto [name, tensor] : decoder.adapters()) {
    if (name.ends_with(".lora_b")) {
      tensor.normal_(0.0, 0.15);
    }
  }
  return decoder;
}

}  // namespace

TEST_CASE("Adapters are drawn from merged: the log-probabilities of the adapter, by our products") {
  const TemporaryDirectory folder;
  const std::vector<RlProblem> problems = {{"?", {1, 5, 9}, ""}, {"?", {1, 6}, ""}};
  for (const char* model : {"llama", "qwen2", "qwen3", "gemma3"}) {
    CAPTURE(model);
    const WeightFile file(tiny_model_path(model));
    const Decoder decoder = adapted_decoder(model);
    LlamaEngineOptions options = engine_options(model);
    options.choice_cache_directory = folder.file(".");  // one choice of the fastest type for all three
    LlamaEngineOptions with_adapter = options;
    with_adapter.adapters.push_back({folder.file("adapter.gguf"), 1.0F});
    export_adapter(folder.file("adapter.gguf"), file, decoder);
    const auto adapter = make_llama_engine(with_adapter);
    const auto plain = make_llama_engine(options);

    PolicySampler sampler(options, file, folder.file("."));
    sampler.take(decoder);
    CHECK(sampler.arithmetic() == plain->model().arithmetic);
    double moved = 0.0;
    for (const SampledResponse& drawn : sampler.draw(problems, 4, {.max_tokens = 12, .stop = {}}, 3)) {
      const Tokens& prompt = problems[drawn.problem].prompt;
      TrainingSequence sequence{prompt, prompt.size()};
      sequence.tokens.insert(sequence.tokens.end(), drawn.tokens.begin(), drawn.tokens.end());
      const std::vector<TrainingSequence> sequences = {sequence};
      const torch::Tensor trained = decoder.log_probs(pack(sequences)).log_prob;
      const std::vector<TokenPath> path = {{prompt, drawn.tokens}};
      const std::vector<TokenStats> adapted = evaluate_paths(*adapter, path, {}).front().front();
      const std::vector<TokenStats> before = evaluate_paths(*plain, path, {}).front().front();
      REQUIRE(drawn.log_prob.size() == drawn.tokens.size());
      for (std::size_t t = 0; t < drawn.tokens.size(); ++t) {
        CHECK(std::abs(drawn.log_prob[t] - (adapted[t].logit - adapted[t].log_sum_exp)) < kTolerance);
        CHECK(std::abs(drawn.log_prob[t] - trained[static_cast<std::int64_t>(t)].item<double>()) < kTolerance);
        moved = std::max(moved, std::abs(drawn.log_prob[t] - (before[t].logit - before[t].log_sum_exp)));
      }
    }
    CHECK(moved > 0.1);
  }
}

TEST_CASE("What a sampler writes is gone with it") {
  const TemporaryDirectory folder;
  const WeightFile file(tiny_model_path("llama"));
  {
    PolicySampler sampler(engine_options("llama"), file, folder.file("."));
    sampler.take(tiny_decoder("llama", {}));
    CHECK(std::filesystem::exists(folder.file("policy.gguf")));
  }
  CHECK(!std::filesystem::exists(folder.file("policy.gguf")));
  CHECK(!std::filesystem::exists(folder.file("policy.gguf.partial")));
}
