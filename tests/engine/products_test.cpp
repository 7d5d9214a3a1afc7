// Matrix products on our device, for every type that ggml keeps weights in, against a plain product in double of the
// same weights and activations.

#include <cmath>
#include <string>

#include <doctest/doctest.h>
#include <ggml-backend.h>
#include <ggml.h>

#include "core/random.h"
#include "tests/engine/accelerator_graph.h"

namespace endorm {
namespace {

constexpr std::uint64_t kSeed = 2506;

struct Shape {
  std::int64_t width;    // K
  std::int64_t columns;  // N
  std::int64_t rows;     // M
};

// Largest |found - expected| against the norm of the row of activations times that of the weight.
struct Error {
  double worst = 0.0;
  double mean_square = 0.0;
};

std::vector<float> normal_numbers(RandomStream& random, std::size_t count) {
  std::vector<float> numbers(count);
  for (float& number : numbers) {
    number = static_cast<float>(random.normal());
  }
  return numbers;
}

// An outlier channel, as real models have them.
void add_outliers(std::vector<float>& activations, std::size_t width) {
  for (std::size_t at = 3; at < activations.size(); at += width) {
    activations[at] *= 30.0F;
  }
}

bool has_quantiser(ggml_type type) {
  const ggml_type_traits* traits = ggml_get_type_traits(type);
  return traits->type_size > 0 && traits->blck_size > 0 &&
         (type == GGML_TYPE_F32 || (traits->to_float != nullptr &&
                                    (type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 || ggml_is_quantized(type))));
}

// Weights as their file holds them, and what they are in f32.
std::vector<float> make_weight(ggml_type type, const Shape& shape, RandomStream& random, std::vector<std::byte>& data) {
  const auto count = static_cast<std::size_t>(shape.width * shape.columns);
  std::vector<float> plain = normal_numbers(random, count);
  const std::vector<float> importance(static_cast<std::size_t>(shape.width), 1.0F);
  data.resize(ggml_row_size(type, shape.width) * static_cast<std::size_t>(shape.columns));
  if (type == GGML_TYPE_F32) {
    std::copy_n(reinterpret_cast<const std::byte*>(plain.data()), data.size(), data.begin());
    return plain;
  }
  ggml_quantize_chunk(type, plain.data(), data.data(), 0, shape.columns, shape.width, importance.data());
  ggml_get_type_traits(type)->to_float(data.data(), plain.data(), static_cast<std::int64_t>(count));
  return plain;
}

Error product_error(Accelerator& accelerator, ggml_type type, const Shape& shape, RandomStream& random) {
  std::vector<std::byte> data;
  const std::vector<float> weight = make_weight(type, shape, random, data);
  const auto width = static_cast<std::size_t>(shape.width);
  const auto columns = static_cast<std::size_t>(shape.columns);
  std::vector<float> activations = normal_numbers(random, width * static_cast<std::size_t>(shape.rows));
  add_outliers(activations, width);
  ggml_tensor* w = nullptr;
  ggml_tensor* x = nullptr;
  const std::vector<float> found = compute_on_device(
      accelerator, [&](ggml_context* context) { w = ggml_new_tensor_2d(context, type, shape.width, shape.columns); },
      [&](ggml_context* context) {
        x = ggml_new_tensor_2d(context, GGML_TYPE_F32, shape.width, shape.rows);
        return ggml_mul_mat(context, w, x);
      },
      [&] {
        ggml_backend_tensor_set(w, data.data(), 0, data.size());
        ggml_backend_tensor_set(x, activations.data(), 0, activations.size() * sizeof(float));
      });
  Error error;
  for (std::size_t m = 0; m < static_cast<std::size_t>(shape.rows); ++m) {
    for (std::size_t n = 0; n < columns; ++n) {
      double expected = 0.0;
      double x_square = 0.0;
      double w_square = 0.0;
      for (std::size_t k = 0; k < width; ++k) {
        const double a = activations[m * width + k];
        const double b = weight[n * width + k];
        expected += a * b;
        x_square += a * a;
        w_square += b * b;
      }
      const double scaled = std::abs(found[m * columns + n] - expected) / std::sqrt(x_square * w_square);
      error.worst = std::isnan(scaled) || scaled > error.worst ? scaled : error.worst;
      error.mean_square += scaled * scaled / static_cast<double>(found.size());
    }
  }
  return error;
}

// Rows come in steps of 32 and a rest.
const Shape kShapes[] = {{256, 96, 64}, {512, 33, 33}, {256, 1024, 131}, {256, 64, 3}};
const Shape kOddShapes[] = {{65, 35, 41}, {100, 37, 577}};

TEST_CASE("every type of weights is multiplied as its own numbers are, in f32") {
  if (!make_onednn_products(1)) {
    MESSAGE("skipped: this build has no oneDNN");
    return;
  }
  RandomStream random(kSeed);
  INFO("seed ", kSeed);
  std::size_t types = 0;
  for (int id = 0; id < GGML_TYPE_COUNT; ++id) {
    const auto type = static_cast<ggml_type>(id);
    if (!has_quantiser(type)) {
      continue;
    }
    ++types;
    for (const Shape& shape : kShapes) {
      const std::string name = ggml_type_name(type);
      CAPTURE(name);
      CAPTURE(shape.rows);
      // A weight is known by its address, so each model has an accelerator of its own.
      const auto accelerator = test_accelerator(Precision::kExact, ProductType::kF32);
      // f32 sums of at most 512 products: 512 * 2^-24 at the very worst.
      CHECK(product_error(*accelerator, type, shape, random).worst <= 3e-5);
      CHECK(accelerator->report().packed_bytes > 0);
    }
  }
  CHECK(types >= 20);
}

TEST_CASE("odd shapes: no side is a multiple of anything") {
  RandomStream random(kSeed + 1);
  for (const ProductType wide : {ProductType::kF32, ProductType::kBf16}) {
    for (const Shape& shape : kOddShapes) {
      const auto accelerator = test_accelerator(Precision::kExact, wide);
      if (!accelerator->products() || !accelerator->products()->can(wide)) {
        continue;
      }
      const std::string type = product_type_name(wide);
      CAPTURE(type);
      CAPTURE(shape.rows);
      const Error error = product_error(*accelerator, GGML_TYPE_BF16, shape, random);
      CHECK(error.worst <= (wide == ProductType::kF32 ? 3e-5 : 4e-3));
    }
  }
}

TEST_CASE("bf16 and int8 stay within their rounding, outlier channels and all") {
  RandomStream random(kSeed + 2);
  for (const Shape& shape : kShapes) {
    CAPTURE(shape.rows);
    const auto bf16 = test_accelerator(Precision::kExact, ProductType::kBf16);
    if (!bf16->products()) {
      return;
    }
    if (bf16->products()->can(ProductType::kBf16)) {
      // Activations are rounded to 8 bits: each by at most 2^-9 of itself.
      CHECK(product_error(*bf16, GGML_TYPE_BF16, shape, random).worst <= 4e-3);
    }
    const auto fast = test_accelerator(Precision::kFast, ProductType::kF32);
    if (fast->products()->can(ProductType::kInt8)) {
      const Error error = product_error(*fast, GGML_TYPE_Q8_0, shape, random);
      MESSAGE("int8, root mean square error against |x| |w|: ", std::sqrt(error.mean_square));
      // Two roundings to steps of about 4 / 127 of the spread: 1.3 % of |x| |w| / sqrt(K) each, at K = 256 and more.
      CHECK(std::sqrt(error.mean_square) <= 2e-3);
      CHECK(error.worst <= 1e-2);
    }
  }
}

TEST_CASE("sums of the largest int8 numbers are exact on every processor") {
  const auto fast = test_accelerator(Precision::kFast, ProductType::kF32);
  if (!fast->products() || !fast->products()->can(ProductType::kInt8)) {
    return;
  }
  Products& products = *fast->products();
  const float steps = products.int8_weight_steps();
  MESSAGE("int8 weights have ", steps, " steps each way");
  CHECK((steps == 127.0F || steps == 63.0F));
  // Rotated, a row of a one and zeros is the same number throughout, and the largest step.
  constexpr std::size_t kWidth = 512;
  constexpr std::size_t kSome = 40;
  const auto weight = products.pack(ProductType::kInt8, kSome, kWidth, [](std::size_t, float* row) {
    std::fill_n(row, kWidth, 0.0F);
    row[0] = row[256] = -3.0F;
  });
  std::vector<float> rows(kSome * kWidth, 0.0F);
  for (std::size_t row = 0; row < kSome; ++row) {
    rows[row * kWidth] = rows[row * kWidth + 256] = 2.0F;
  }
  Operand x;
  x.convert(ProductType::kInt8, rows.data(), kSome, kWidth, kWidth, 1);
  std::vector<float> out(kSome * kSome);
  products.multiply(x, *weight, out.data(), kSome);
  for (const float product : out) {
    CHECK(std::abs(product + 12.0F) <= 1e-4F);
  }
}

TEST_CASE("what a row gives does not depend on the rows around it") {
  for (const auto& [precision, wide] :
       {std::pair{Precision::kExact, ProductType::kF32}, std::pair{Precision::kExact, ProductType::kBf16},
        std::pair{Precision::kFast, ProductType::kF32}}) {
    const auto products = make_onednn_products(2);
    const ProductType type = precision == Precision::kFast ? ProductType::kInt8 : wide;
    if (!products || !products->can(type)) {
      continue;
    }
    const std::string name = product_type_name(type);
    CAPTURE(name);
    RandomStream random(kSeed + 3);
    constexpr std::size_t kWidth = 576;
    constexpr std::size_t kColumns = 192;
    constexpr std::size_t kMost = 700;
    const std::vector<float> weight = normal_numbers(random, kWidth * kColumns);
    const std::vector<float> activations = normal_numbers(random, kWidth * kMost);
    const auto packed = products->pack(type, kColumns, kWidth, [&](std::size_t row, float* values) {
      std::copy_n(weight.begin() + static_cast<std::ptrdiff_t>(row * kWidth), kWidth, values);
    });
    std::vector<float> all(kMost * kColumns);
    Operand operand;
    operand.convert(type, activations.data(), kMost, kWidth, kWidth, 2);
    products->multiply(operand, *packed, all.data(), kColumns);
    double worst = 0.0;
    for (const std::size_t rows : {1UL, 7UL, 32UL, 40UL, 100UL, 512UL, 513UL}) {
      std::vector<float> some(rows * kColumns);
      operand.convert(type, activations.data(), rows, kWidth, kWidth, 2);
      products->multiply(operand, *packed, some.data(), kColumns);
      for (std::size_t i = 0; i < some.size(); ++i) {
        const double difference = std::abs(some[i] - all[i]);
        worst = std::isnan(difference) || difference > worst ? difference : worst;
      }
    }
    MESSAGE("largest difference between batches: ", worst);
    CHECK(worst <= 1e-4);  // sums of 576 products of size 1 in another order
  }
}

TEST_CASE("experts: each token is multiplied with the weights of its own") {
  RandomStream random(kSeed + 4);
  const auto accelerator = test_accelerator(Precision::kExact, ProductType::kF32);
  if (!accelerator->products()) {
    return;
  }
  constexpr std::size_t kWidth = 64;
  constexpr std::size_t kColumns = 48;
  constexpr std::size_t kExperts = 4;
  constexpr std::size_t kUsed = 2;
  constexpr std::size_t kTokens = 70;
  const std::vector<float> weight = normal_numbers(random, kWidth * kColumns * kExperts);
  const std::vector<float> activations = normal_numbers(random, kWidth * kTokens);
  std::vector<std::int32_t> ids(kUsed * kTokens);
  for (std::size_t t = 0; t < kTokens; ++t) {
    ids[t * kUsed] = static_cast<std::int32_t>(random.below(kExperts));
    ids[t * kUsed + 1] = (ids[t * kUsed] + 1) % static_cast<std::int32_t>(kExperts);
  }
  ggml_tensor* w = nullptr;
  ggml_tensor* x = nullptr;
  ggml_tensor* chosen = nullptr;
  const std::vector<float> found = compute_on_device(
      *accelerator,
      [&](ggml_context* context) { w = ggml_new_tensor_3d(context, GGML_TYPE_F32, kWidth, kColumns, kExperts); },
      [&](ggml_context* context) {
        x = ggml_new_tensor_3d(context, GGML_TYPE_F32, kWidth, 1, kTokens);
        chosen = ggml_new_tensor_2d(context, GGML_TYPE_I32, kUsed, kTokens);
        return ggml_mul_mat_id(context, w, x, chosen);
      },
      [&] {
        ggml_backend_tensor_set(w, weight.data(), 0, weight.size() * sizeof(float));
        ggml_backend_tensor_set(x, activations.data(), 0, activations.size() * sizeof(float));
        ggml_backend_tensor_set(chosen, ids.data(), 0, ids.size() * sizeof(std::int32_t));
      });
  CHECK(accelerator->report().packed_bytes >= kExperts * kColumns * kWidth * sizeof(float));
  for (std::size_t t = 0; t < kTokens; ++t) {
    for (std::size_t u = 0; u < kUsed; ++u) {
      const auto expert = static_cast<std::size_t>(ids[t * kUsed + u]);
      for (std::size_t n = 0; n < kColumns; ++n) {
        double expected = 0.0;
        for (std::size_t k = 0; k < kWidth; ++k) {
          expected += static_cast<double>(activations[t * kWidth + k]) * weight[(expert * kColumns + n) * kWidth + k];
        }
        CHECK(std::abs(found[(t * kUsed + u) * kColumns + n] - expected) <= 1e-4);
      }
    }
  }
}

TEST_CASE("weights beyond the limit are left to ggml, and the numbers stay") {
  RandomStream random(kSeed + 5);
  const auto accelerator = test_accelerator(Precision::kExact, ProductType::kF32, 1000);
  if (!accelerator->products()) {
    return;
  }
  CHECK(product_error(*accelerator, GGML_TYPE_F32, kShapes[0], random).worst <= 3e-5);
  CHECK(accelerator->report().packed_bytes == 0);
  CHECK(accelerator->report().unpacked_matrices == 1);
}

}  // namespace
}  // namespace endorm
