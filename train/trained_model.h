#pragma once

#include <cstddef>
#include <string>

#include "engine/weights/tensor_type.h"
#include "engine/weights/weight_file.h"
#include "train/decoder.h"
#include "train/device.h"
#include "train/training_options.h"

namespace endorm {

// A model that learns, with the file that it was read from.
struct TrainedModel {
  WeightFile file;
  Decoder decoder;
  ComputeType compute;  // what was chosen, and why
};

// Reads the model of the options, its adapters added where they are to learn. vocabulary: columns of the head that
// count, 0: all. Throws as WeightFile, read_weights and Decoder.
TrainedModel load_trained_model(const TrainingOptions& options, std::size_t vocabulary);

// "f32" or "bf16", and " on " the device where it is not the processor.
std::string compute_name(const ComputeType& compute);
// "f32", "f16" or "bf16", of matrices in an exported model.
TensorType export_type(const std::string& name);

}  // namespace endorm
