#include "judge/reward_head.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "judge/safetensors.h"
#include "tests/paths.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using nlohmann::json;

std::string golden_path(const std::string& file) { return source_path("tests/golden/" + file); }

template <typename Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  std::string bytes;
  for (const Number& number : numbers) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  return bytes;
}

FileTensor tensor(std::vector<std::size_t> shape, const std::vector<float>& values) {
  return {TensorType::kF32, std::move(shape), bytes_of(values)};
}

// The bytes of a safetensors file.
std::string safetensors(const std::string& header, const std::string& data) {
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    length[i] = static_cast<char>(header.size() >> (8 * i) & 0xFFU);
  }
  return length + header + data;
}

FileTensors read(const std::string& bytes) {
  std::istringstream file(bytes);
  return read_safetensors(file, "head.safetensors", [](std::string_view name) { return name.starts_with("score."); });
}

std::string refusal_of_file(const std::string& bytes) {
  try {
    read(bytes);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "";
}

std::string refusal_of_head(const FileTensors& tensors) {
  try {
    const RewardHead head(tensors, "head.safetensors");
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "";
}

void check_says(const std::string& text, const std::string& part) {
  INFO("\"", text, "\" says \"", part, "\"");
  CHECK(text.find(part) != std::string::npos);
}

TEST_CASE("heads of files give what PyTorch gives on a hidden state") {
  // f32 sums of at most 64 products in PyTorch against double: some units in the last place of values around 10.
  constexpr double kTolerance = 1e-5;
  std::ifstream file(golden_path("judge_heads.json"));
  const json golden = json::parse(file);
  REQUIRE(golden.size() == 6);
  for (const json& entry : golden) {
    INFO(entry.at("head").get<std::string>());
    const RewardHead head = read_reward_head(golden_path(entry.at("head")));
    CHECK(head.width() == 64);
    const double found = head.reward(entry.at("probe").at("hidden").get<std::vector<float>>());
    CHECK(std::abs(found - entry.at("probe").at("reward").get<double>()) <= kTolerance);
  }
}

TEST_CASE("a linear head is w h + b, two layers are w2 max(0, w0 h + b0) + b2") {
  const std::vector<float> hidden = {1.0F, -2.0F};
  const RewardHead linear({{"score.weight", tensor({1, 2}, {3.0F, 0.5F})}, {"score.bias", tensor({1}, {10.0F})}}, "f");
  CHECK(linear.reward(hidden) == 12.0);
  const FileTensors layers = {{"score.0.weight", tensor({3, 2}, {1.0F, 0.0F, 0.0F, 1.0F, 1.0F, 1.0F})},
                              {"score.0.bias", tensor({3}, {0.5F, 1.0F, 4.0F})},
                              {"score.2.weight", tensor({1, 3}, {2.0F, 100.0F, 1.0F})},
                              {"score.2.bias", tensor({1}, {-1.0F})}};
  CHECK(RewardHead(layers, "f").reward(hidden) == 2.0 * 1.5 + 100.0 * 0.0 + 1.0 * 3.0 - 1.0);
  CHECK_THROWS_WITH_AS(linear.reward(std::vector<float>{1.0F}), doctest::Contains("1 numbers, the head takes 2"),
                       InvalidInput);
}

TEST_CASE("half precision is read exactly, subnormal numbers too") {
  // IEEE 754: 1, -2, the largest number, the smallest normal one, the smallest and the largest subnormal one, -0
  const std::vector<std::uint16_t> halves = {0x3C00, 0xC000, 0x7BFF, 0x0400, 0x0001, 0x03FF, 0x8000};
  const std::vector<double> expected = {1.0, -2.0, 65504.0, 0x1p-14, 0x1p-24, 1023 * 0x1p-24, 0.0};
  const RewardHead head({{"score.weight", {TensorType::kF16, {1, 7}, bytes_of(halves)}}}, "f");
  const std::vector<std::uint16_t> bfloats = {0x3F80, 0xC000, 0x7F7F, 0x0080, 0x0001, 0x4049, 0x8000};
  const std::vector<double> expected_bfloats = {1.0, -2.0, 0x1.FEp127, 0x1p-126, 0x1p-133, 3.140625, 0.0};
  const RewardHead bfloat({{"score.weight", {TensorType::kBf16, {1, 7}, bytes_of(bfloats)}}}, "f");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    std::vector<float> one(7, 0.0F);
    one[i] = 1.0F;
    CHECK(head.reward(one) == expected[i]);
    CHECK(bfloat.reward(one) == expected_bfloats[i]);
  }
}

TEST_CASE("what is no reward head is refused with its names and shapes") {
  const FileTensor row = tensor({1, 2}, {1.0F, 2.0F});
  check_says(refusal_of_head({}), "no tensor whose name begins with score.");
  check_says(refusal_of_head({{"score.weight", tensor({2, 1}, {1.0F, 2.0F})}}), "score.weight has 2 rows");
  check_says(refusal_of_head({{"score.weight", tensor({1, 1, 2}, {1.0F, 2.0F})}}), "shape [1,1,2]");
  check_says(refusal_of_head({{"score.weight", tensor({1, 0}, {})}}), "shape [1,0]");
  check_says(refusal_of_head({{"score.weight", row}, {"score.bias", tensor({2}, {1.0F, 2.0F})}}),
             "score.bias has shape [2]");
  check_says(refusal_of_head({{"score.weight", row}, {"score.dense.weight", row}}), "score.dense.weight [1,2]");
  check_says(refusal_of_head({{"score.0.weight", row}}), "score.0.weight [1,2]");
  check_says(
      refusal_of_head({{"score.0.weight", row}, {"score.1.weight", row}, {"score.2.weight", tensor({1}, {1.0F})}}),
      "score.1.weight");
  check_says(refusal_of_head({{"score.0.weight", row}, {"score.2.weight", row}}),
             "score.2.weight takes 2 numbers, score.0.weight gives 1");
  const float infinity = std::numeric_limits<float>::infinity();
  check_says(refusal_of_head({{"score.weight", tensor({1, 2}, {1.0F, infinity})}}), "score.weight holds a value");
  check_says(refusal_of_head({{"score.weight", tensor({1, 2}, {1.0F, std::nanf("")})}}), "not finite");
}

TEST_CASE("of a file with more than the head only the head is read") {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"lm_head.weight":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("score.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}})";
  const FileTensors found = read(safetensors(header, std::string(8, 'x') + bytes_of<float>({1.5F, -2.0F})));
  REQUIRE(found.size() == 1);
  CHECK(RewardHead(found, "f").reward(std::vector<float>{1.0F, 1.0F}) == -0.5);
}

TEST_CASE("a safetensors file that is damaged is refused") {
  const std::string data = bytes_of<float>({1.5F, -2.0F});
  const auto with = [&](const std::string& entry) { return safetensors("{\"score.weight\":" + entry + "}", data); };
  const std::string whole = with(R"({"dtype":"F32","shape":[1,2],"data_offsets":[0,8]})");
  CHECK(refusal_of_file(whole).empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {  // cut off anywhere
    INFO("cut at byte ", size);
    CHECK_FALSE(refusal_of_file(whole.substr(0, size)).empty());
  }
  check_says(refusal_of_file(with(R"({"dtype":"F32","shape":[1,2],"data_offsets":[0,9]})")), "bytes 0 to 9 of 8");
  check_says(refusal_of_file(with(R"({"dtype":"F32","shape":[1,2],"data_offsets":[8,0]})")), "bytes 8 to 0");
  check_says(refusal_of_file(with(R"({"dtype":"F32","shape":[1,3],"data_offsets":[0,8]})")), "does not fill");
  check_says(refusal_of_file(with(R"({"dtype":"F32","shape":[4611686018427387905,2],"data_offsets":[0,8]})")),
             "does not fill");
  check_says(refusal_of_file(with(R"({"dtype":"F32","shape":[-1,2],"data_offsets":[0,8]})")), "does not describe");
  check_says(refusal_of_file(with(R"({"dtype":"F32","shape":[1,2],"data_offsets":[0]})")), "does not describe");
  check_says(refusal_of_file(with(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})")), "does not describe");
  check_says(refusal_of_file(with("3")), "does not describe");
  check_says(refusal_of_file(with(R"({"dtype":"F64","shape":[1],"data_offsets":[0,8]})")), "as \"F64\"");
  check_says(refusal_of_file(with("{}, \"score.weight\": {}")), "stands twice");
  check_says(refusal_of_file(safetensors("[]", "")), "no JSON object");
  check_says(refusal_of_file(std::string(8, '\xFF') + "{}"), "header of 18446744073709551615 bytes");
  check_says(refusal_of_file("{}"), "2 bytes");
}

TEST_CASE("files that are not there, no heads, or cut off are refused") {
  CHECK_THROWS_WITH_AS(read_reward_head("/nowhere/head.safetensors"), doctest::Contains("cannot be read"),
                       InvalidInput);
  // A whole model without a head, as GGUF.
  CHECK_THROWS_WITH_AS(read_reward_head(golden_path("engine_tiny_llama.gguf")),
                       doctest::Contains("no tensor whose name begins with score."), InvalidInput);
  const TemporaryDirectory directory;
  std::ifstream whole(golden_path("judge_head_qwen2_mlp_float32.gguf"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(whole)), std::istreambuf_iterator<char>());
  REQUIRE(bytes.size() > 1000);
  // The type of score.0.bias [48] stands behind its name, the number of its dimensions (4 bytes) and its length (8).
  std::string other = bytes;
  other.at(bytes.find("score.0.bias") + 12 + 4 + 8) = 26;  // 32-bit integers
  std::ofstream(directory.file("other.gguf"), std::ios::binary) << other;
  CHECK_THROWS_WITH_AS(read_reward_head(directory.file("other.gguf")), doctest::Contains("holds score.0.bias as i32"),
                       InvalidInput);
  for (const std::size_t size : {std::size_t{5}, std::size_t{100}, std::size_t{300}, bytes.size() - 40}) {
    INFO("cut at byte ", size);
    const std::string path = directory.file("cut.gguf");
    std::ofstream(path, std::ios::binary) << bytes.substr(0, size);
    try {
      read_reward_head(path);
      FAIL("no error");
    } catch (const InvalidInput& error) {
      check_says(error.what(), size >= 300 ? "ends within score." : "is damaged: gguf_init");
    }
  }
}

}  // namespace
}  // namespace endorm
