#include <algorithm>

#include <doctest/doctest.h>

#include "core/random.h"
#include "engine/llama/llama_engine.h"
#include "tests/engine/sequences.h"

// Sharing prefixes, and computing in other portions, does not change the numbers: on random trees, with attention over
// everything (llama), over a window (gemma3), with experts (qwen2moe) and with a recurrent state (mamba).
namespace endorm {
namespace {

struct TinyModel {
  std::string name;
  double tolerance;
};
// Gemma's GELU comes from a table in half precision: what differs in the last bit may come out a step of it apart.
const TinyModel kModels[] = {{"llama", 1e-4}, {"gemma3", 1e-3}, {"qwen2moe", 1e-4}, {"mamba", 1e-4}};
constexpr std::uint64_t kSeed = 20250623;
constexpr std::size_t kVocabulary = 320;

LlamaEngineOptions exact_options(const std::string& model) {
  LlamaEngineOptions options;
  options.model_path = tiny_model_path(model);
  options.template_source = TemplateSource::kRaw;
  options.cache_type = CacheType::kF32;
  options.flash_attention = false;
  options.threads = 1;
  options.gpu_layers = 0;
  options.hash_model = false;
  return options;
}

Tokens random_tokens(RandomStream& random, std::size_t count) {
  Tokens tokens;
  for (std::size_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<Token>(random.below(kVocabulary)));
  }
  return tokens;
}

// Each goes on behind a random part of an earlier one, so that branches begin at any depth: inside prompts, inside
// responses, and at roots.
std::vector<Sequence> random_sequences(RandomStream& random, std::size_t count) {
  std::vector<Sequence> sequences;
  std::vector<Tokens> paths{random_tokens(random, 24)};
  for (std::size_t i = 0; i < count; ++i) {
    const Tokens& earlier = paths[random.below(paths.size())];
    Sequence sequence;
    sequence.prefix.assign(earlier.begin(),
                           earlier.begin() + 1 + static_cast<std::ptrdiff_t>(random.below(earlier.size())));
    if (random.below(10) == 0) {
      sequence.prefix = random_tokens(random, 1 + random.below(8));
    }
    sequence.continuation = random_tokens(random, 1 + random.below(20));
    Tokens path = sequence.prefix;
    path.insert(path.end(), sequence.continuation.begin(), sequence.continuation.end());
    paths.push_back(std::move(path));
    sequences.push_back(std::move(sequence));
  }
  return sequences;
}

TEST_CASE("sharing on, sharing off and one sequence at a time agree") {
  for (const TinyModel& model : kModels) {
    CAPTURE(model.name);
    INFO("seed ", kSeed);
    RandomStream random(kSeed);
    const auto engine = make_llama_engine(exact_options(model.name));
    for (const std::size_t count : {2, 9, 80}) {  // 80: more leaves than there are sequence ids
      CAPTURE(count);
      const std::vector<Sequence> sequences = random_sequences(random, count);
      const SequenceStats shared = evaluate_together(*engine, sequences);
      const SequenceStats unshared = evaluate_together(*engine, sequences, {.share_prefixes = false});
      CHECK(worst_log_prob_difference(shared, unshared) <= model.tolerance);
      CHECK(worst_log_prob_difference(shared, evaluate_apart(*engine, sequences)) <= model.tolerance);
    }
  }
}

TEST_CASE("the order of the sequences does not matter") {
  for (const TinyModel& model : kModels) {
    CAPTURE(model.name);
    INFO("seed ", kSeed);
    RandomStream random(kSeed + 1);
    const auto engine = make_llama_engine(exact_options(model.name));
    std::vector<Sequence> sequences = random_sequences(random, 40);
    const SequenceStats expected = evaluate_together(*engine, sequences);
    std::reverse(sequences.begin(), sequences.end());
    SequenceStats found = evaluate_together(*engine, sequences);
    std::reverse(found.begin(), found.end());
    CHECK(worst_log_prob_difference(found, expected) <= model.tolerance);
  }
}

TEST_CASE("the portions of the computation do not matter") {
  struct Portions {
    std::size_t wave_tokens;
    std::size_t batch_tokens;
    std::size_t row_bytes;
  };
  const Portions all_portions[] = {{1, 16, 1}, {16, 16, 1}, {64, 32, 1}, {512, 17, std::size_t{24} << 20}};
  for (const TinyModel& model : kModels) {
    CAPTURE(model.name);
    INFO("seed ", kSeed);
    RandomStream random(kSeed + 2);
    const std::vector<Sequence> sequences = random_sequences(random, 40);
    const SequenceStats expected = evaluate_together(*make_llama_engine(exact_options(model.name)), sequences);
    for (const Portions& portions : all_portions) {
      CAPTURE(portions.wave_tokens);
      LlamaEngineOptions options = exact_options(model.name);
      options.wave_tokens = portions.wave_tokens;
      options.batch_tokens = portions.batch_tokens;
      options.row_bytes = portions.row_bytes;
      const SequenceStats found = evaluate_together(*make_llama_engine(options), sequences);
      CHECK(worst_log_prob_difference(found, expected) <= model.tolerance);
    }
  }
}

TEST_CASE("one engine gives the same numbers again after other trees") {
  for (const TinyModel& model : kModels) {
    CAPTURE(model.name);
    INFO("seed ", kSeed);
    RandomStream random(kSeed + 3);
    const auto engine = make_llama_engine(exact_options(model.name));
    const std::vector<Sequence> sequences = random_sequences(random, 12);
    const SequenceStats expected = evaluate_together(*engine, sequences);
    const Sequence longer{random_tokens(random, 100), random_tokens(random, 400)};
    evaluate_together(*engine, std::span(&longer, 1));
    CHECK(worst_log_prob_difference(evaluate_together(*engine, sequences), expected) <= model.tolerance);
  }
}

TEST_CASE("a shared prefix is computed once") {
  for (const TinyModel& model : kModels) {
    CAPTURE(model.name);
    INFO("seed ", kSeed);
    RandomStream random(kSeed + 4);
    const Tokens prompt = random_tokens(random, 100);
    std::vector<Sequence> sequences;
    for (int i = 0; i < 8; ++i) {
      sequences.push_back({prompt, random_tokens(random, 5)});
    }
    const auto engine = make_llama_engine(exact_options(model.name));
    evaluate_together(*engine, sequences);
    // The last token of a response is never computed: nothing follows it.
    CHECK(engine->tokens_computed() <= 100 + 8 * 4);
  }
}

// Prompts that come again in later calls, some longer than before, more of them than can be kept.
TEST_CASE("prompts that are kept between evaluations change no number and are not computed again") {
  for (const TinyModel& model : kModels) {
    CAPTURE(model.name);
    INFO("seed ", kSeed);
    RandomStream random(kSeed);
    LlamaEngineOptions options = exact_options(model.name);
    const auto forgetful = make_llama_engine(options);
    options.kept_prefix_tokens = 60;
    const auto keeping = make_llama_engine(options);
    for (int call = 0; call < 12; ++call) {
      CAPTURE(call);
      const std::vector<Sequence> sequences = random_sequences(random, 1 + random.below(12));
      for (int again = 0; again < 2; ++again) {
        CHECK(worst_log_prob_difference(evaluate_together(*keeping, sequences),
                                        evaluate_together(*forgetful, sequences)) <= model.tolerance);
      }
    }
  }
}

TEST_CASE("a kept prompt costs its last token") {
  LlamaEngineOptions options = exact_options("llama");
  options.kept_prefix_tokens = 60;
  const auto engine = make_llama_engine(options);
  if (engine->accelerator_info().report.library.empty()) {
    MESSAGE("SKIPPED: llama.cpp's own kernels compute here, which keep nothing");
    return;
  }
  RandomStream random(kSeed);
  const Tokens prompt = random_tokens(random, 40);
  const auto computed = [&](const Tokens& prefix, const Tokens& continuation) {
    const std::size_t before = engine->tokens_computed();
    evaluate_together(*engine, std::vector<Sequence>{{prefix, continuation}});
    return engine->tokens_computed() - before;
  };
  CHECK(computed(prompt, {5, 6, 7}) == 42);
  CHECK(computed(prompt, {8, 6, 7}) == 3);
  CHECK(computed(random_tokens(random, 50), {5}) == 50);  // takes the room of the first
  CHECK(computed(prompt, {8, 6, 7}) == 42);
}

}  // namespace
}  // namespace endorm
