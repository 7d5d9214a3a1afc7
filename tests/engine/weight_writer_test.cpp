#include "engine/weights/weight_writer.h"

#include <bit>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>
#include <map>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "core/errors.h"
#include "core/random.h"
#include "engine/llama/llama_engine.h"
#include "tests/engine/sequences.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

constexpr std::uint64_t kSeed = 20261126;
constexpr TensorType kAllTypes[] = {TensorType::kF32, TensorType::kF16, TensorType::kBf16};

LlamaEngineOptions exact(const std::string& path) {
  LlamaEngineOptions options;
  options.model_path = path;
  options.template_source = TemplateSource::kRaw;
  options.cache_type = CacheType::kF32;
  options.threads = 1;
  options.gpu_layers = 0;
  options.hash_model = false;
  return options;
}

// log-probabilities of a few sequences of a tiny model.
SequenceStats stats_of(const LlamaEngineOptions& options) {
  const std::vector<Sequence> sequences = {{{0, 5, 6, 9}, {7, 8, 100, 41}}, {{0, 5, 6, 9}, {200, 3}}, {{0}, {90, 91}}};
  return evaluate_together(*make_llama_engine(options), sequences);
}

// The tensors of a file, owned.
struct FileWeights {
  explicit FileWeights(const WeightFile& file) {
    for (const std::string& name : file.names()) {
      values.push_back(file.values(name));
      weights.push_back({name, file.shape(name), {}});
    }
    point();
  }

  // After the values changed.
  void point() {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i].values = values[i];
    }
  }
  std::size_t place_of(const std::string& name) const {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (weights[i].name == name) {
        return i;
      }
    }
    FAIL("no tensor ", name);
    return 0;
  }

  std::vector<std::vector<float>> values;
  std::vector<Weights> weights;
};

TEST_CASE("a model written as f32 is the model it came from") {
  const TemporaryDirectory directory;
  for (const char* name : {"llama", "qwen2", "gemma3"}) {
    CAPTURE(name);
    const std::string path = directory.file(std::string(name) + ".gguf");
    const WeightFile source(tiny_model_path(name));
    const FileWeights weights(source);
    write_model(path, source, weights.weights, TensorType::kF32);
    const WeightFile copy(path);
    CHECK(copy.names() == source.names());
    for (std::size_t i = 0; i < weights.weights.size(); ++i) {
      CAPTURE(weights.weights[i].name);
      CHECK(copy.shape(weights.weights[i].name) == weights.weights[i].shape);
      CHECK(copy.values(weights.weights[i].name) == weights.values[i]);
    }
    CHECK(copy.architecture() == source.architecture());
    CHECK(copy.integers(source.architecture() + ".attention.sliding_window_pattern") ==
          source.integers(source.architecture() + ".attention.sliding_window_pattern"));
    CHECK(worst_log_prob_difference(stats_of(exact(path)), stats_of(exact(tiny_model_path(name)))) == 0.0);
  }
}

// The nearest number with `bits` bits behind the first (round to nearest, ties to even).
float rounded(float value, int bits) {
  int exponent = 0;
  const double fraction = std::frexp(static_cast<double>(value), &exponent);
  return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(fraction, bits + 1)), exponent - bits - 1));
}

TEST_CASE("sixteen-bit weights are the nearest numbers of their type, and vectors stay f32") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  const WeightFile source(tiny_model_path("llama"));
  const FileWeights weights(source);
  const SequenceStats expected = stats_of(exact(tiny_model_path("llama")));
  struct Format {
    TensorType type;
    int bits;  // behind the first
    std::uint64_t file_type;
  };
  for (const Format& format : {Format{TensorType::kF16, 10, 1}, Format{TensorType::kBf16, 7, 32}}) {
    const int bits = format.bits;
    CAPTURE(bits);
    write_model(path, source, weights.weights, format.type);
    const WeightFile copy(path);
    CHECK(copy.integer("general.file_type") == format.file_type);
    for (std::size_t i = 0; i < weights.weights.size(); ++i) {
      CAPTURE(weights.weights[i].name);
      const bool matrix = weights.weights[i].shape.size() > 1;
      const std::vector<float> found = copy.values(weights.weights[i].name);
      REQUIRE(found.size() == weights.values[i].size());
      std::size_t wrong = 0;
      for (std::size_t at = 0; at < found.size(); ++at) {
        const float given = weights.values[i][at];
        // Below its smallest normal number f16 has steps of 2^-24.
        const bool tiny = matrix && bits == 10 && std::abs(given) < 0x1p-14F;
        wrong += !(tiny     ? std::abs(found[at] - given) <= 0x1p-25F
                   : matrix ? found[at] == rounded(given, bits)
                            : found[at] == given);
      }
      CHECK(wrong == 0);
    }
    const double difference = worst_log_prob_difference(stats_of(exact(path)), expected);
    MESSAGE(bits, " bits behind the first: they move a log-probability by at most ", difference, " nats");
    CHECK(difference > 0);
    CHECK(difference < 1.0);
  }
}

TEST_CASE("a model takes the path of the one it was made from") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  write_file(path, read_file(tiny_model_path("llama")));
  const WeightFile source(path);
  FileWeights weights(source);
  const std::size_t changed = weights.place_of("output_norm.weight");
  const std::vector<float> before = weights.values[changed];
  weights.values[changed][0] += 1.0F;
  weights.point();
  write_model(path, source, weights.weights, TensorType::kF32);
  CHECK(WeightFile(path).values("output_norm.weight") == weights.values[changed]);
  CHECK(source.values("output_norm.weight") == before);  // still the file that it opened
  CHECK(!std::filesystem::exists(path + ".partial"));
}

TEST_CASE("what was said about the storage of the old weights is left out") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  const WeightFile source(golden_path("weight_file.gguf"));  // quantised, aligned to 64 bytes
  CHECK(source.integer("general.alignment") == 64);
  std::vector<Weights> weights;
  std::vector<std::vector<float>> values;
  for (const std::string& name : source.names()) {
    values.push_back(name == "whole" ? std::vector<float>{0, 1, 2, 3} : source.values(name));
    weights.push_back({name, source.shape(name), values.back()});
  }
  write_model(path, source, weights, TensorType::kF32);
  const WeightFile copy(path);
  CHECK(!copy.integer("general.alignment"));
  CHECK(!copy.integer("general.quantization_version"));
  CHECK(copy.integer("general.file_type") == 0);
  CHECK(copy.text("words") == source.text("words"));
  CHECK(copy.integers("array.bool") == source.integers("array.bool"));
  CHECK(copy.real("number.f64") == 0.1);
  CHECK(copy.values("q4_k") == source.values("q4_k"));
  CHECK(copy.shape("cube") == source.shape("cube"));
}

TEST_CASE("weights that do not fit the model are refused by name, and the old file stays") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  const WeightFile source(tiny_model_path("llama"));
  const auto refusal = [&](const std::vector<Weights>& weights, TensorType type) {
    write_file(path, "the old file");
    std::string message = message_of<InvalidInput>([&] { write_model(path, source, weights, type); });
    CHECK(read_file(path) == "the old file");
    CHECK(!std::filesystem::exists(path + ".partial"));
    return message;
  };
  const FileWeights good(source);
  const std::size_t matrix = good.place_of("blk.0.attn_q.weight");

  std::vector<Weights> weights = good.weights;
  weights.erase(weights.begin() + static_cast<std::ptrdiff_t>(matrix));
  CHECK(contains(refusal(weights, TensorType::kF32), "no weights are given for blk.0.attn_q.weight"));
  weights = good.weights;
  weights.push_back(weights[matrix]);
  CHECK(contains(refusal(weights, TensorType::kF32), "blk.0.attn_q.weight is given twice"));
  weights.back().name = "blk.0.attn_z.weight";
  CHECK(contains(refusal(weights, TensorType::kF32), "blk.0.attn_z.weight is no tensor of"));
  weights = good.weights;
  weights[matrix].shape = {1, 2};
  CHECK(contains(refusal(weights, TensorType::kF32), "another shape"));
  weights = good.weights;
  weights[matrix].values = weights[matrix].values.first(3);
  CHECK(contains(refusal(weights, TensorType::kF32), "3 values for the shape"));

  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(), 65505.0F}) {
    CAPTURE(value);
    FileWeights bad = good;
    bad.values[matrix].back() = value;
    bad.point();
    for (const TensorType type : kAllTypes) {
      if (type == TensorType::kF16 || !std::isfinite(value)) {
        CHECK(contains(refusal(bad.weights, type), "blk.0.attn_q.weight holds"));
      }
    }
  }
}

// Writing beyond `bytes` into one file fails in this scope, as on a full disk.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    signal_before_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_before_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit before_{};
  void (*signal_before_)(int) = nullptr;
};

TEST_CASE("where the disk is full the old file stays") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  write_file(path, "the old file");
  const WeightFile source(tiny_model_path("llama"));
  const FileWeights weights(source);
  for (const rlim_t bytes : {0, 1000, 100000}) {  // before, in and behind the metadata
    CAPTURE(bytes);
    std::string message;
    {
      const SmallDisk disk(bytes);
      message = message_of<EngineError>([&] { write_model(path, source, weights.weights, TensorType::kF32); });
    }
    CHECK(contains(message, "cannot write " + path));
    CHECK(read_file(path) == "the old file");
    CHECK(!std::filesystem::exists(path + ".partial"));
  }
  write_model(path, source, weights.weights, TensorType::kF32);
  CHECK(WeightFile(path).names() == source.names());
}

TEST_CASE("a path that cannot be written is refused") {
  const TemporaryDirectory directory;
  const WeightFile source(tiny_model_path("llama"));
  const FileWeights weights(source);
  const auto write = [&](const std::string& path) { write_model(path, source, weights.weights, TensorType::kF32); };
  CHECK(contains(message_of<EngineError>([&] { write(directory.file("absent/model.gguf")); }), "cannot create"));
  CHECK(contains(message_of<InvalidInput>([&] { write("/dev/full"); }), "no regular file"));
  CHECK(contains(message_of<InvalidInput>([&] { write(directory.file("")); }), "no regular file"));
}

struct Pair {
  std::vector<float> a;  // [rank, in]
  std::vector<float> b;  // [out, rank]
};

TEST_CASE("an adapter that is written changes the model as merged weights do") {
  constexpr std::size_t kRank = 3;
  constexpr float kAlpha = 7.5F;
  const TemporaryDirectory directory;
  const std::string adapter = directory.file("adapter.gguf");
  const std::string merged = directory.file("merged.gguf");
  const WeightFile source(tiny_model_path("llama"));
  FileWeights weights(source);
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  std::map<std::string, Pair> pairs;
  std::vector<Weights> adapter_weights;
  for (std::size_t i = 0; i < weights.weights.size(); ++i) {
    const std::string& name = weights.weights[i].name;
    if (!name.starts_with("blk.") || weights.weights[i].shape.size() != 2) {
      continue;
    }
    const auto out = static_cast<std::size_t>(weights.weights[i].shape[0]);
    const auto in = static_cast<std::size_t>(weights.weights[i].shape[1]);
    Pair& pair = pairs[name];
    pair.a.resize(kRank * in);
    pair.b.resize(out * kRank);
    for (float& value : pair.a) {
      value = static_cast<float>(random.normal() / std::sqrt(in));
    }
    for (float& value : pair.b) {
      value = static_cast<float>(0.2 * random.normal());
    }
    for (std::size_t row = 0; row < out; ++row) {
      for (std::size_t column = 0; column < in; ++column) {
        double change = 0;
        for (std::size_t r = 0; r < kRank; ++r) {
          change += static_cast<double>(pair.b[row * kRank + r]) * pair.a[r * in + column];
        }
        weights.values[i][row * in + column] += static_cast<float>(kAlpha / static_cast<double>(kRank) * change);
      }
    }
    constexpr auto kRankSize = static_cast<std::int64_t>(kRank);
    adapter_weights.push_back({name + ".lora_a", {kRankSize, weights.weights[i].shape[1]}, pair.a});
    adapter_weights.push_back({name + ".lora_b", {weights.weights[i].shape[0], kRankSize}, pair.b});
  }
  REQUIRE(adapter_weights.size() > 10);
  weights.point();
  write_model(merged, source, weights.weights, TensorType::kF32);
  write_lora_adapter(adapter, "llama", kAlpha, adapter_weights);
  LlamaEngineOptions with_adapter = exact(tiny_model_path("llama"));
  with_adapter.adapters = {{adapter, 1.0F}};
  const SequenceStats adapted = stats_of(with_adapter);
  CHECK(worst_log_prob_difference(adapted, stats_of(exact(tiny_model_path("llama")))) > 0.1);
  const double difference = worst_log_prob_difference(adapted, stats_of(exact(merged)));
  MESSAGE("adapter and merged weights differ by at most ", difference, " nats");
  CHECK(difference < 1e-4);
}

TEST_CASE("an adapter that llama.cpp would misread is refused") {
  const TemporaryDirectory directory;
  const std::vector<float> values(6, 0.5F);
  const auto refusal = [&](float alpha, const std::vector<Weights>& weights) {
    return message_of<InvalidInput>(
        [&] { write_lora_adapter(directory.file("adapter.gguf"), "llama", alpha, weights); });
  };
  const Weights a{"blk.0.attn_q.weight.lora_a", {2, 3}, values};
  const Weights b{"blk.0.attn_q.weight.lora_b", {3, 2}, values};
  CHECK(refusal(1.0F, {a, b}).empty());
  CHECK(contains(refusal(0.0F, {a, b}), "alpha"));
  CHECK(contains(refusal(std::numeric_limits<float>::quiet_NaN(), {a, b}), "alpha"));
  CHECK(contains(refusal(1.0F, {}), "no weights"));
  CHECK(contains(refusal(1.0F, {a}), "not whole"));
  CHECK(contains(refusal(1.0F, {a, {b.name, {2, 3}, values}}), "[rank, in]"));
  CHECK(contains(refusal(1.0F, {a, b, {"blk.0.attn_q.weight", {6}, values}}), "neither"));
  CHECK(contains(
      refusal(1.0F, {{"token_embd.weight.lora_a", {2, 3}, values}, {"token_embd.weight.lora_b", {3, 2}, values}}),
      "embedding"));
}

}  // namespace
}  // namespace endorm
