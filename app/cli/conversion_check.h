#pragma once

#include <cstddef>

#include "app/cli/checkpoint_conversion.h"
#include "engine/llama/llama_engine.h"

namespace endorm {

// A converted file against transformers in f32, token by token over a few texts; differences of log-probabilities in
// nats.
struct ConversionDifference {
  std::size_t texts = 0;
  std::size_t same_tokens = 0;  // texts that both cut into the same tokens
  std::size_t tokens = 0;       // compared
  double largest = 0.0;         // against transformers with the matrices rounded to the file's type
  double mean = 0.0;
  double type_largest = 0.0;  // what that rounding makes of the checkpoint, in transformers alone
  double type_mean = 0.0;
};

// weight_type: of the model's matrices, which with an adapter is its model's. Throws as ConverterEnvironment.
ConversionDifference compare_with_transformers(const Conversion& conversion, const std::string& weight_type,
                                               LlamaEngine& engine, const ConverterSettings& converter);

// The largest mean difference that arithmetic explains, in nats; above it the file is not the checkpoint.
double mean_bound(LlamaEngine& engine);

}  // namespace endorm
