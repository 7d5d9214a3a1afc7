#include "tests/train/tiny_models.h"

#include <fstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "engine/weight_file.h"
#include "train/decoder_weights.h"

namespace endorm {

nlohmann::json read_train_golden(const std::string& file) {
  std::ifstream input(std::string(ENDORM_SOURCE_DIR) + "/tests/golden/" + file);
  REQUIRE(input);
  return nlohmann::json::parse(input);
}

nlohmann::json tiny_golden(const std::string& name) {
  const nlohmann::json golden = read_train_golden("engine_tiny_models.json");
  for (const nlohmann::json& model : golden.at("models")) {
    if (model.at("name") == name) {
      return model;
    }
  }
  FAIL("engine_tiny_models.json has no model " << name);
  return {};
}

std::string tiny_file(const std::string& name) {
  return std::string(ENDORM_SOURCE_DIR) + "/tests/golden/engine_tiny_" + name + ".gguf";
}

Decoder tiny_decoder(const std::string& name, const DecoderOptions& options) {
  const WeightFile file(tiny_file(name));
  DecoderShape shape = read_decoder_shape(file);
  shape.vocabulary = tiny_golden(name).at("vocabulary");
  return Decoder(shape, read_weights(file), options);
}

}  // namespace endorm
