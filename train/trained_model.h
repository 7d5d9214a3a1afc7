#pragma once

#include <cstddef>
#include <string>

#include "engine/weights/weight_file.h"
#include "train/decoder.h"
#include "train/training_options.h"

namespace endorm {

// Where a decoder computes and in which type its matrix products are made, and why in words.
struct ComputeType {
  torch::Device device = torch::kCPU;
  torch::ScalarType type = torch::kFloat32;
  std::string reason;
};

// A model that learns, with the file that it was read from.
struct TrainedModel {
  WeightFile file;
  Decoder decoder;
  ComputeType compute;  // what was chosen, and why
};

// Reads the model of the options, its adapters added where they are to learn. vocabulary: columns of the head that
// count. Throws as WeightFile, read_weights and Decoder.
TrainedModel load_trained_model(const TrainingOptions& options, std::size_t vocabulary);

// "f32" or "bf16", and " on " the device where it is not the processor.
std::string compute_name(const ComputeType& compute);

}  // namespace endorm
