#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace endorm {

enum class LearningRateDecay { kNone, kLinear, kCosine };
inline constexpr std::array<std::pair<std::string_view, LearningRateDecay>, 3> kLearningRateDecays{
    {{"none", LearningRateDecay::kNone},
     {"linear", LearningRateDecay::kLinear},
     {"cosine", LearningRateDecay::kCosine}}};

// The learning rate of each step of a run: a linear rise over the first warm_up steps, then a fall to
// final_fraction * peak at the last step.
struct LearningRateSchedule {
  double peak = 1e-4;
  std::size_t warm_up = 0;  // steps
  LearningRateDecay decay = LearningRateDecay::kCosine;
  double final_fraction = 0.1;

  // Of a step, from 0, of a run of `steps`; steps behind the last have its rate.
  double at(std::size_t step, std::size_t steps) const;
};

// What a run of either kind is told of its model, its steps and its directory.
struct TrainingOptions {
  // What changes the weights.
  std::string model = {};              // GGUF: what the run begins with
  std::size_t steps = 0;               // of the whole run
  std::uint64_t seed = 0;              // of the order of the data, of what is drawn, of new adapters
  LearningRateSchedule schedule = {};  // of AdamW
  double weight_decay = 0.0;           // of matrices
  double clip_norm = 1.0;              // largest norm of a step's gradient; 0: any
  std::size_t lora_rank = 0;           // 0: every weight learns
  double lora_alpha = 32.0;            // the scale of adapters, times rank
  std::string device = "auto";         // "cpu", "cuda", or a GPU where there is one
  std::string compute = "auto";        // "f32", "bf16", or whichever is faster here
  std::size_t pass_tokens = 2048;      // tokens in one forward and backward pass; a longer sequence is one of its own
  bool recompute_layers = false;       // keep only each layer's input for the backward pass

  // Where it lies.
  std::string directory = {};
  std::size_t checkpoint_every = 50;  // steps
  std::string export_type = "f32";    // of matrices in model.gguf: f32, f16, bf16
};

// Creates the directory of a run, and those above it, where they are not there yet. Throws InvalidInput where something
// else has the name or it cannot be created.
void make_run_directory(const std::string& directory);

}  // namespace endorm
