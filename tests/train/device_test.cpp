#include "train/device.h"

#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "engine/weights/weight_file.h"
#include "score/option.h"
#include "tests/engine/golden_sequences.h"
#include "tests/temporary_directory.h"
#include "tests/train/far_device.h"
#include "tests/train/tiny_models.h"
#include "train/decoder_weights.h"
#include "train/export.h"
#include "train/head_log_probs.h"
#include "train/policy_learner.h"

using namespace endorm;

namespace {

double greatest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();  // NaN stays
}

// Two sequences of one prompt and a longer one, which passes gemma3's window.
std::vector<TrainingSequence> some_sequences() {
  std::vector<TrainingSequence> sequences = {{{1, 5, 9, 20, 7, 3}, 3}, {{1, 5, 9, 21, 8}, 3}};
  TrainingSequence& longer = sequences.emplace_back(TrainingSequence{{}, 4});
  for (std::int32_t token = 2; token < 30; ++token) {
    longer.tokens.push_back(token);
  }
  return sequences;
}

RlOptions some_options(Algorithm algorithm) {
  RlOptions options;
  options.advantage.algorithm = algorithm;
  options.loss.kl_coefficient = 0.1;
  options.loss.entropy_coefficient = 0.01;
  options.run.weight_decay = 0.01;
  options.update.epochs = 2;
  options.update.minibatches = 2;
  options.run.pass_tokens = 16;
  return options;
}

// Targets that ask for something at every token.
PolicyTargets some_targets(const std::vector<TrainingSequence>& responses, const PolicyReading& reading) {
  PolicyTargets targets{.old_log_prob = reading.log_prob,
                        .reference_log_prob = reading.log_prob,
                        .advantage = reading.log_prob,
                        .returns = reading.values,
                        .old_values = reading.values};
  for (std::size_t b = 0; b < responses.size(); ++b) {
    for (std::size_t t = 0; t < reading.log_prob[b].size(); ++t) {
      targets.reference_log_prob[b][t] -= 0.1;
      targets.advantage[b][t] = (b + t) % 2 == 0 ? 1.0 : -0.5;
      if (!targets.returns.empty()) {
        targets.returns[b][t] += 0.5;
      }
    }
  }
  return targets;
}

double farthest(const NamedTensors& some, const NamedTensors& others) {
  double farthest = 0.0;
  for (const auto& [name, tensor] : some) {
    const double difference = greatest_difference(tensor.to(torch::kCPU), others.at(name).to(torch::kCPU));
    farthest = difference <= farthest ? farthest : difference;  // NaN stays
  }
  return farthest;
}

}  // namespace

TEST_CASE("A device that is asked for is there or refused") {
  CHECK(training_device("cpu").is_cpu());
  CHECK(training_device("auto").is_cuda() == torch::cuda::is_available());
  if (torch::cuda::is_available()) {
    CHECK(training_device("cuda").is_cuda());
  } else {
    CHECK_THROWS_WITH_AS(training_device("cuda"), doctest::Contains("no GPU"), InvalidInput);
  }
}

TEST_CASE("Rows read with tensors are those that core reads") {
  torch::manual_seed(3);
  torch::Tensor logits = torch::randn({7, 501}) * torch::tensor({0.1, 1.0, 5.0, 30.0, 1e3, 1.0, 1.0}).unsqueeze(1);
  logits = logits.to(torch::kFloat32).contiguous();
  logits[5] += 1e4;                                                 // far from 0
  logits[6].slice(0, 3) = -std::numeric_limits<float>::infinity();  // tokens that cannot come
  const RowReadings core = read_rows(logits);
  const RowReadings tensors = read_rows_with_tensors(logits);
  // Both sum in double and are rounded to float: one unit in the last place of a number near 1e4 is 1e-3.
  CHECK(greatest_difference(core.log_sum_exp, tensors.log_sum_exp) <= 1e-3);
  CHECK(greatest_difference(core.log_sum_exp.slice(0, 0, 4), tensors.log_sum_exp.slice(0, 0, 4)) <= 8e-6);
  CHECK(greatest_difference(core.entropy, tensors.entropy) <= 1e-6);
  logits[2][17] = std::numeric_limits<float>::quiet_NaN();
  CHECK(read_rows(logits).entropy[2].isnan().item<bool>());
  CHECK(read_rows_with_tensors(logits).entropy[2].isnan().item<bool>());
}

TEST_CASE("What stands in for a GPU refuses what a GPU refuses") {
  const torch::Tensor there = torch::ones({2}, far_device());
  CHECK((there + there).sum().item<float>() == 4.0F);
  CHECK_THROWS_AS(there + torch::ones({2}), c10::Error);
  CHECK_THROWS_AS(torch::cat({torch::ones({2}), there}), c10::Error);
}

TEST_CASE("A policy learns on another device what it learns on the processor, and goes on across them") {
  const TemporaryDirectory folder;
  const std::vector<TrainingSequence> responses = some_sequences();
  const WeightFile file(tiny_model_path("gemma3"));
  for (const torch::Device device : devices_here()) {
    if (device.is_cpu()) {
      continue;
    }
    for (const Algorithm algorithm : {Algorithm::kGrpo, Algorithm::kPpo}) {
      for (const bool thrifty : {false, true}) {  // adapters, and layers that are computed again
        CAPTURE(device.str());
        CAPTURE(name_of<Algorithm>(kAlgorithms, algorithm));
        CAPTURE(thrifty);
        const RlOptions options = some_options(algorithm);
        std::vector<Decoder> decoders;
        for (const torch::Device place : {torch::Device(torch::kCPU), device}) {
          decoders.push_back(
              tiny_decoder("gemma3", {.device = place, .recompute_layers = thrifty, .head_bytes = 4096}));
          if (thrifty) {
            decoders.back().add_adapters({.rank = 2}, 1);
          }
        }
        PolicyLearner here(decoders[0], options);
        PolicyLearner there(decoders[1], options);
        const PolicyTargets targets = some_targets(responses, here.read(responses));
        for (int step = 0; step < 2; ++step) {
          const PolicyUpdate expected = here.update(responses, targets, 1e-3, 7);
          const PolicyUpdate found = there.update(responses, targets, 1e-3, 7);
          CHECK(found.loss == doctest::Approx(expected.loss).epsilon(1e-4));
          CHECK(found.gradient_norm == doctest::Approx(expected.gradient_norm).epsilon(1e-4));
          CHECK(found.value_loss == doctest::Approx(expected.value_loss).epsilon(1e-4));
          CHECK(found.reading.entropy == doctest::Approx(expected.reading.entropy).epsilon(1e-4));
        }
        const auto weights = [&] { return farthest(decoders[0].merged_weights(), decoders[1].merged_weights()); };
        CHECK(weights() < 1e-4);
        export_model(folder.file("there.gguf"), file, decoders[1], TensorType::kF32);
        CHECK(farthest(read_weights(WeightFile(folder.file("there.gguf"))), decoders[1].merged_weights()) == 0.0);
        // A checkpoint of either goes on in the other: weights, moments, the step.
        there.save(folder.file("checkpoint"), "run", 2);
        CHECK(here.resume(folder.file("checkpoint"), "run") == 2);
        CHECK(weights() == 0.0);
        CHECK(there.resume(folder.file("checkpoint"), "run") == 2);
        const double loss = here.update(responses, targets, 1e-3, 8).loss;
        CHECK(there.update(responses, targets, 1e-3, 8).loss == doctest::Approx(loss).epsilon(1e-4));
        CHECK(weights() < 1e-4);
      }
    }
  }
}
