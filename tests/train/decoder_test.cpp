#include "train/decoder.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "tests/engine/golden_sequences.h"
#include "tests/train/tiny_models.h"
#include "train/decoder_weights.h"
#include "train/optimizer.h"

using namespace endorm;
using nlohmann::json;

// Against transformers on random weights: tests/golden/engine_tiny_models.py (numbers of every token) and train_sft.py
// (gradients, ten steps of AdamW). All of it is f32 on both sides, in another order of sums.
namespace {

constexpr double kLogProbTolerance = 1e-4;   // nats; measured: 1.1e-5 at most
constexpr double kGradientTolerance = 1e-4;  // relative

double worst_difference(const torch::Tensor& found, const std::vector<double>& expected) {
  REQUIRE(static_cast<std::size_t>(found.numel()) == expected.size());
  double worst = 0.0;
  for (std::size_t index = 0; index < expected.size(); ++index) {
    const double difference = std::abs(found[static_cast<std::int64_t>(index)].item<double>() - expected[index]);
    worst = difference <= worst ? worst : difference;  // NaN stays
  }
  return worst;
}

std::vector<TrainingSequence> learnt_sequences(const json& model, std::size_t first_target) {
  std::vector<TrainingSequence> sequences;
  for (const json& sequence : model.at("sequences")) {
    const Tokens tokens = sequence.at("tokens").get<Tokens>();
    if (tokens.size() > first_target) {
      sequences.push_back({tokens, first_target});
    }
  }
  return sequences;
}

torch::Tensor mean_loss_of(const Decoder& decoder, const std::vector<TrainingSequence>& sequences) {
  return -decoder.log_probs(pack(sequences, decoder.device())).log_prob.mean();
}

}  // namespace

TEST_CASE("Log-probabilities and entropies of packed sequences are those of transformers") {
  for (const torch::Device device : devices_here()) {
    for (const std::string name : {"llama", "qwen2", "gemma3", "qwen3"}) {
      CAPTURE(name);
      const json model = tiny_golden(name);
      const Decoder decoder = tiny_decoder(name, {.device = device});
      torch::NoGradGuard no_gradients;
      const HeadLogProbs found = decoder.log_probs(pack(learnt_sequences(model, 1), device));
      std::vector<double> log_probs;
      std::vector<double> entropies;
      for (const json& sequence : model.at("sequences")) {
        for (const double value : sequence.at("log_prob")) {
          log_probs.push_back(value);
        }
        for (const double value : sequence.at("entropy")) {
          entropies.push_back(value);
        }
      }
      const double of_log_prob = worst_difference(found.log_prob, log_probs);
      const double of_entropy = worst_difference(found.entropy, entropies);
      MESSAGE(name << " on " << device.str() << ": log pi within " << of_log_prob << ", entropy within " << of_entropy
                   << " nats");
      CHECK(of_log_prob < kLogProbTolerance);
      CHECK(of_entropy < kLogProbTolerance);
    }
  }
}

TEST_CASE("Gradients and ten steps of AdamW are PyTorch's") {
  const json golden = read_golden("train_sft.json");
  for (const torch::Device device : devices_here()) {
    for (const json& expected : golden.at("models")) {
      const std::string name = expected.at("model");
      CAPTURE(name);
      CAPTURE(device.str());
      Decoder decoder = tiny_decoder(name, {.device = device});
      decoder.begin_learning();
      const std::vector<TrainingSequence> sequences = learnt_sequences(tiny_golden(name), golden.at("first_target"));
      mean_loss_of(decoder, sequences).backward();
      for (const auto& [weight, norm] : expected.at("gradient_norms").items()) {
        CAPTURE(weight);
        const double found = decoder.weights().at(weight).grad().to(torch::kFloat64).norm().item<double>();
        CHECK(std::abs(found - norm.get<double>()) < kGradientTolerance * norm.get<double>());
      }
      Optimizer optimizer(decoder.learning(), {.weight_decay = 0.1, .clip_norm = 1.0});
      for (const double loss : expected.at("losses")) {
        optimizer.clear_gradients();
        const torch::Tensor found = mean_loss_of(decoder, sequences);
        CHECK(std::abs(found.item<double>() - loss) < 1e-4 * loss);
        found.backward();
        optimizer.step(golden.at("learning_rate"));
      }
    }
  }
}

TEST_CASE("Layers that are computed again, and a head in small pieces, change no number") {
  const std::vector<TrainingSequence> sequences = learnt_sequences(tiny_golden("gemma3"), 4);
  Decoder plain = tiny_decoder("gemma3", {});
  Decoder thrifty = tiny_decoder("gemma3", {.recompute_layers = true, .head_bytes = 4096});
  for (Decoder* decoder : {&plain, &thrifty}) {
    decoder->begin_learning();
    mean_loss_of(*decoder, sequences).backward();
  }
  for (const auto& [name, tensor] : plain.weights()) {
    CAPTURE(name);
    const torch::Tensor difference = (tensor.grad() - thrifty.weights().at(name).grad()).abs().max();
    CHECK(difference.item<double>() < 1e-6);
  }
}

TEST_CASE("A prompt that neighbours share is computed once, and changes no number") {
  for (const std::string name : {"llama", "qwen2", "gemma3", "qwen3"}) {
    CAPTURE(name);
    std::vector<TrainingSequence> sequences;  // two prompts, the second one longer than gemma3's window
    for (std::int32_t response = 0; response < 3; ++response) {
      sequences.push_back({{1, 5, 9, 20 + response, 7, response}, 3});
    }
    for (std::int32_t response = 0; response < 2; ++response) {
      TrainingSequence& sequence = sequences.emplace_back(TrainingSequence{{}, 24});
      for (std::int32_t place = 0; place < 24; ++place) {
        sequence.tokens.push_back(2 + place);
      }
      sequence.tokens.insert(sequence.tokens.end(), {response, 11, 12, 13});
    }
    Decoder together = tiny_decoder(name, {});
    Decoder apart = tiny_decoder(name, {});
    together.begin_learning();
    apart.begin_learning();
    const PackedBatch batch = pack(sequences);
    CHECK(batch.tokens.size(0) == 3 + 3 * 3 + 24 + 2 * 4);
    const HeadLogProbs found = together.log_probs(batch);
    (found.log_prob.sum() + 0.3 * found.entropy.sum()).backward();
    double worst = 0.0;
    for (std::size_t index = 0; index < sequences.size(); ++index) {
      const HeadLogProbs alone = apart.log_probs(pack(std::span(sequences).subspan(index, 1)));
      (alone.log_prob.sum() + 0.3 * alone.entropy.sum()).backward();
      const torch::Tensor part = found.log_prob.slice(0, static_cast<std::int64_t>(batch.target_begins[index]),
                                                      static_cast<std::int64_t>(batch.target_begins[index + 1]));
      worst = std::max(worst, (part - alone.log_prob).abs().max().item<double>());
    }
    CHECK(worst < 1e-5);
    for (const auto& [weight, tensor] : together.learning()) {
      CAPTURE(weight);
      const torch::Tensor expected = apart.weights().at(weight).grad();
      CHECK((tensor.grad() - expected).abs().max().item<double>() < 1e-5 * (1.0 + expected.abs().max().item<double>()));
    }
  }
}

TEST_CASE("Passes count a shared prompt once, and responses of one prompt are brought together") {
  const std::vector<TrainingSequence> sequences = {
      {{1, 2, 3, 9}, 3}, {{1, 2, 4, 9}, 3}, {{1, 2, 3, 8}, 3}, {{1, 2, 4, 8}, 3}, {{1, 2, 3, 7}, 3}};
  const std::vector<std::size_t> chosen = {4, 3, 2, 1, 0};
  const std::vector<std::size_t> ordered = by_prompt(chosen, sequences);
  CHECK(ordered == std::vector<std::size_t>{4, 2, 0, 3, 1});
  std::vector<TrainingSequence> neighbours;
  for (const std::size_t index : ordered) {
    neighbours.push_back(sequences[index]);
  }
  const std::vector<SequenceRange> passes = passes_of(neighbours, 6);  // 3 + 1 + 1 + 1, then 3 + 1 + 1
  REQUIRE(passes.size() == 2);
  CHECK(passes[0].end == 3);
  CHECK(passes[1].end == 5);
  CHECK(passes_of(sequences, 6).size() == 5);
}

TEST_CASE("The entropy's gradient is the finite difference's") {
  torch::manual_seed(7);
  const auto options = torch::TensorOptions().dtype(torch::kFloat32);
  torch::Tensor hidden = torch::randn({3, 4}, options).requires_grad_(true);
  const torch::Tensor head = torch::randn({5, 4}, options);
  const torch::Tensor targets = torch::tensor({0, 4, 2}, torch::kInt64);
  const auto value = [&](const torch::Tensor& states) {
    const HeadLogProbs found = head_log_probs(states, head, targets, 2);
    return (found.log_prob * 0.3 + found.entropy * 0.7).sum();
  };
  value(hidden).backward();
  constexpr double kStep = 1e-2;  // of a float computation: error kStep^2 and rounding 1e-6 / kStep
  for (std::int64_t row = 0; row < 3; ++row) {
    for (std::int64_t column = 0; column < 4; ++column) {
      torch::Tensor moved = torch::zeros({3, 4}, options);
      moved[row][column] = kStep;
      const double slope =
          (value(hidden.detach() + moved) - value(hidden.detach() - moved)).item<double>() / (2.0 * kStep);
      CHECK(hidden.grad()[row][column].item<double>() == doctest::Approx(slope).epsilon(2e-3).scale(1.0));
    }
  }
}

TEST_CASE("Adapters begin as nothing, learn alone, and equal the merged weights") {
  const std::vector<TrainingSequence> sequences = learnt_sequences(tiny_golden("llama"), 4);
  Decoder decoder = tiny_decoder("llama", {});
  const double before = mean_loss_of(decoder, sequences).item<double>();
  const LoraOptions lora{.rank = 4, .alpha = 8.0, .matrices = {"attn_q", "ffn_down"}};
  decoder.add_adapters(lora, 1);
  CHECK(mean_loss_of(decoder, sequences).item<double>() == before);

  decoder.begin_learning();
  Optimizer optimizer(decoder.learning(), {});
  for (int step = 0; step < 3; ++step) {
    optimizer.clear_gradients();
    mean_loss_of(decoder, sequences).backward();
    optimizer.step(1e-2);
  }
  const double after = mean_loss_of(decoder, sequences).item<double>();
  CHECK(after < before - 1e-3);
  NamedTensors merged;
  const Decoder untouched = tiny_decoder("llama", {});
  for (const auto& [name, tensor] : decoder.weights()) {
    CHECK_FALSE(tensor.grad().defined());
    CHECK(torch::equal(tensor, untouched.weights().at(name)));
    merged[name] = tensor;
  }
  for (const auto& [name, down] : decoder.adapters()) {
    if (name.ends_with(".lora_a")) {
      const std::string matrix = name.substr(0, name.size() - 7);
      merged[matrix] = merged[matrix] + torch::mm(decoder.adapters().at(matrix + ".lora_b"), down).detach() * 2.0;
    }
  }
  const Decoder of_merged(decoder.shape(), merged, {});
  CHECK(mean_loss_of(of_merged, sequences).item<double>() == doctest::Approx(after).epsilon(1e-5));
}

TEST_CASE("What is no decoder, or has no target, is refused") {
  Decoder decoder = tiny_decoder("llama", {});
  NamedTensors weights = decoder.weights();
  weights.erase("blk.1.attn_k.weight");
  CHECK_THROWS_WITH_AS(Decoder(decoder.shape(), weights, {}), doctest::Contains("blk.1.attn_k.weight"), InvalidInput);
  CHECK_THROWS_AS(decoder.add_adapters({.matrices = {"attn_z"}}, 1), InvalidInput);
  const std::vector<TrainingSequence> no_target = {{{1, 2, 3}, 3}};
  CHECK_THROWS_AS(pack(no_target), InvalidInput);
  const std::vector<TrainingSequence> nothing_before = {{{1, 2, 3}, 0}};
  CHECK_THROWS_AS(pack(nothing_before), InvalidInput);
}
