#include "tests/train/tiny_models.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "engine/weights/weight_file.h"
#include "tests/engine/golden_sequences.h"
#include "tests/train/far_device.h"
#include "train/decoder_weights.h"

namespace endorm {

nlohmann::json tiny_golden(const std::string& name) {
  const nlohmann::json golden = read_golden("engine_tiny_models.json");
  for (const nlohmann::json& model : golden.at("models")) {
    if (model.at("name") == name) {
      return model;
    }
  }
  FAIL("engine_tiny_models.json has no model " << name);
  return {};
}

std::vector<torch::Device> devices_here() {
  std::vector<torch::Device> devices = {torch::kCPU, far_device()};
  if (torch::cuda::is_available()) {
    devices.emplace_back(torch::kCUDA);
  }
  return devices;
}

Decoder tiny_decoder(const std::string& name, const DecoderOptions& options) {
  const WeightFile file(tiny_model_path(name));
  DecoderShape shape = read_decoder_shape(file);
  shape.vocabulary = tiny_golden(name).at("vocabulary");
  return Decoder(shape, read_weights(file), options);
}

}  // namespace endorm
