#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/weights/weight_writer.h"
#include "train/decoder.h"

namespace endorm {

class WeightFile;

// The weights that a decoder of this shape cannot be without, by GGUF name, with their shapes. An output layer of its
// own ("output.weight") and biases are optional.
std::map<std::string, std::vector<std::int64_t>> weight_shapes(const DecoderShape& shape);

// All weights of a file.
NamedTensors read_weights(const WeightFile& file);

// The tensors in the processor's memory; what lies there already is shared, not copied.
NamedTensors on_processor(const NamedTensors& tensors);

// The tensors as what a writer takes: contiguous, float, on the processor, and kept by the caller until they are
// written.
std::vector<Weights> views_of(const NamedTensors& tensors);

// Random ones: normal of deviation 0.02, what leads back into the residual stream divided by sqrt(2 layers), norms one
// (Radford et al. 2019). The output layer is the embedding.
NamedTensors random_weights(const DecoderShape& shape, std::uint64_t seed);

}  // namespace endorm
