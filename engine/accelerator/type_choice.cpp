#include "engine/accelerator/type_choice.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>

#include "engine/content_hash.h"

namespace endorm {
namespace {

constexpr std::size_t kRows = 512;          // of activations: a usual batch
constexpr std::size_t kMostColumns = 4096;  // of a weight that is timed: wider ones cost the same an entry
constexpr std::size_t kMostShapes = 4;
constexpr double kWorthwhile = 1.1;
constexpr int kFewestRounds = 4;  // the first generates the kernel
constexpr int kMostRounds = 20;
constexpr double kShapeSeconds = 0.1;

constexpr ProductType kTypes[] = {ProductType::kF32, ProductType::kBf16, ProductType::kF16};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double operations(const ProductShape& shape) {
  return 2.0 * static_cast<double>(shape.count * shape.rows) * static_cast<double>(shape.width * kRows);
}

// The shapes with most of the work.
std::vector<ProductShape> heaviest(std::vector<ProductShape> shapes) {
  std::sort(shapes.begin(), shapes.end(),
            [](const ProductShape& a, const ProductShape& b) { return operations(a) > operations(b); });
  shapes.resize(std::min(shapes.size(), kMostShapes));
  return shapes;
}

// A weight of one shape, packed for one type, and the least time that a product with it took.
struct Candidate {
  ProductType type = ProductType::kF32;
  std::unique_ptr<PackedMatrix> weight;
  Operand operand;
  double seconds = std::numeric_limits<double>::infinity();
};

// Seconds of one product of kRows rows with the shape, for each type. The types take turns, so that a busy neighbour
// slows all of them, and the least time counts.
std::vector<double> product_seconds(Products& products, const std::vector<ProductType>& types,
                                    const ProductShape& shape, int threads) {
  const std::size_t columns = std::min(shape.rows, kMostColumns);
  std::vector<Candidate> candidates(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    candidates[i].type = types[i];
    candidates[i].weight = products.pack(types[i], columns, shape.width, [&](std::size_t row, float* values) {
      for (std::size_t k = 0; k < shape.width; ++k) {
        values[k] = static_cast<float>((row * 31 + k * 17) % 64) / 64.0F - 0.5F;
      }
    });
  }
  const std::vector<float> activations(kRows * shape.width, 0.25F);
  std::vector<float> out(kRows * columns);
  const double begin = now();
  for (int round = 0; round < kFewestRounds || (round < kMostRounds && now() - begin < kShapeSeconds); ++round) {
    for (Candidate& candidate : candidates) {
      const double start = now();
      candidate.operand.convert(candidate.type, activations.data(), kRows, shape.width, shape.width, threads);
      products.multiply(candidate.operand, *candidate.weight, out.data(), columns);
      candidate.seconds = std::min(candidate.seconds, now() - start);
    }
  }
  std::vector<double> seconds;
  for (const Candidate& candidate : candidates) {
    const double share = static_cast<double>(shape.rows) / static_cast<double>(columns);
    seconds.push_back(candidate.seconds * share * static_cast<double>(shape.count));
  }
  return seconds;
}

TypeChoice measure(Products& products, const std::vector<ProductShape>& shapes, int threads) {
  std::vector<ProductType> types;
  std::copy_if(std::begin(kTypes), std::end(kTypes), std::back_inserter(types),
               [&](ProductType type) { return products.can(type); });
  double work = 0.0;
  std::vector<double> took(types.size(), 0.0);
  for (const ProductShape& shape : shapes) {
    work += operations(shape);
    const std::vector<double> seconds = product_seconds(products, types, shape, threads);
    for (std::size_t i = 0; i < types.size(); ++i) {
      took[i] += seconds[i];
    }
  }
  TypeChoice choice;
  double fastest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < types.size(); ++i) {
    char text[64];
    std::snprintf(text, sizeof text, "%s%s %.0f GFLOP/s", i == 0 ? "" : ", ", product_type_name(types[i]),
                  work / took[i] * 1e-9);
    choice.reason += text;
    if (i == 0 || took[i] * kWorthwhile < fastest) {
      fastest = took[i];
      choice.type = types[i];
    }
  }
  return choice;
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  std::string described;
  for (std::string line; std::getline(info, line) && !line.empty();) {
    if (line.starts_with("model name") || line.starts_with("flags") || line.starts_with("Features")) {
      described += line;
    }
  }
  return described;
}

std::optional<TypeChoice> remembered(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string name;
  TypeChoice choice;
  if (!std::getline(in, name) || !std::getline(in, choice.reason)) {
    return std::nullopt;
  }
  for (const ProductType type : kTypes) {
    if (name == product_type_name(type)) {
      choice.type = type;
      return choice;
    }
  }
  return std::nullopt;
}

}  // namespace

TypeChoice choose_product_type(Products& products, const std::vector<ProductShape>& shapes, int threads,
                               const std::string& cache_directory) {
  const std::vector<ProductShape> timed = heaviest(shapes);
  if (timed.empty()) {
    return {ProductType::kF32, "no matrix to measure with"};
  }
  std::string key = processor() + "|" + products.name() + "|" + std::to_string(threads);
  for (const ProductShape& shape : timed) {
    key += "|" + std::to_string(shape.rows) + "x" + std::to_string(shape.width) + "x" + std::to_string(shape.count);
  }
  const std::filesystem::path file = std::filesystem::path(cache_directory) / hex(sha256(key));
  if (!cache_directory.empty()) {
    if (const auto known = remembered(file)) {
      return *known;
    }
  }
  TypeChoice choice = measure(products, timed, threads);
  if (!cache_directory.empty()) {
    std::error_code ignored;  // a choice that cannot be kept is made again
    std::filesystem::create_directories(file.parent_path(), ignored);
    std::ofstream(file) << product_type_name(choice.type) << '\n' << choice.reason << '\n';
  }
  return choice;
}

}  // namespace endorm
