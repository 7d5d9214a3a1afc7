#include <algorithm>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "engine/weights/weight_file.h"
#include "tests/engine/golden_sequences.h"
#include "tests/engine/smollm2_model.h"

// The shipped model as gguf-py reads it: tests/golden/weight_file.py.
namespace endorm {
namespace {

using nlohmann::json;

TEST_CASE("rows of the shipped SmolLM2 are the numbers that gguf-py reads") {
  const auto shipped = shipped_smollm2();
  if (!shipped) {
    return;
  }
  const WeightFile file(*shipped);
  CHECK(file.architecture() == "llama");
  CHECK(file.integer("llama.block_count") == 30);
  const json golden = read_golden("weight_file.json").at("smollm2");
  REQUIRE(golden.size() == 4);
  for (const auto& entry : golden.items()) {
    const std::string& name = entry.key();
    const json& expected = entry.value();
    CAPTURE(name);
    const auto shape = file.shape(name);
    CHECK(shape == expected.at("shape").get<std::vector<std::int64_t>>());
    const std::vector<float> values = file.values(name);
    for (const json& row : expected.at("rows")) {
      const auto numbers = row.at("values").get<std::vector<float>>();
      const std::size_t begin = row.at("row").get<std::size_t>() * static_cast<std::size_t>(shape.back());
      REQUIRE(begin + numbers.size() <= values.size());
      double worst = 0;
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        worst = worse(worst, std::abs(static_cast<double>(values[begin + i]) - numbers[i]));
      }
      CHECK(worst <= 1e-6);
    }
  }
}

}  // namespace
}  // namespace endorm
