#include "judge/reward_head.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "core/errors.h"
#include "core/listed.h"

namespace endorm {
namespace {

static_assert(std::endian::native == std::endian::little, "files hold numbers in the byte order of memory");

// IEEE 754 half precision: sign, 5 bits of exponent (bias 15), 10 bits of fraction. Exact.
float from_half(std::uint16_t bits) {
  const int exponent = bits >> 10U & 0x1FU;
  const int fraction = bits & 0x3FFU;
  float magnitude = 0.0F;
  if (exponent == 0x1F) {
    magnitude = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
  }
  return (bits & 0x8000U) != 0 ? -magnitude : magnitude;
}

// The upper half of a float.
float from_bfloat(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U); }

std::vector<float> floats_of(const FileTensor& tensor) {
  if (tensor.type == TensorType::kF32) {
    std::vector<float> values(tensor.bytes.size() / sizeof(float));
    std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(float));
    return values;
  }
  std::vector<std::uint16_t> halves(tensor.bytes.size() / sizeof(std::uint16_t));
  std::memcpy(halves.data(), tensor.bytes.data(), halves.size() * sizeof(std::uint16_t));
  std::vector<float> values(halves.size());
  std::transform(halves.begin(), halves.end(), values.begin(),
                 tensor.type == TensorType::kF16 ? from_half : from_bfloat);
  return values;
}

std::string spelled(const std::vector<std::size_t>& shape) {
  std::string text;
  for (const std::size_t length : shape) {
    text += (text.empty() ? "" : ",") + std::to_string(length);
  }
  return "[" + text + "]";
}

[[noreturn]] void refuse(const std::string& file, const std::string& fact) {
  throw InvalidInput("[RewardHead] " + file + ": " + fact);
}

std::vector<float> finite_floats(const FileTensor& tensor, const std::string& name, const std::string& file) {
  std::vector<float> values = floats_of(tensor);
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
    refuse(file, name + " holds a value that is not finite");
  }
  return values;
}

std::string names_of(const FileTensors& tensors) {
  const std::string names =
      listed(tensors, [](const auto& tensor) { return tensor.first + " " + spelled(tensor.second.shape); });
  return names.empty() ? "no tensor whose name begins with score." : names;
}

}  // namespace

RewardHead::Layer RewardHead::read_layer(const FileTensors& tensors, const std::string& name, const std::string& file) {
  const FileTensor& weights = tensors.at(name + ".weight");
  // GGUF does not keep dimensions of 1 in front: [D] is a matrix of one row.
  std::vector<std::size_t> shape = weights.shape;
  if (shape.size() == 1) {
    shape.insert(shape.begin(), 1);
  }
  if (shape.size() != 2 || shape[0] == 0 || shape[1] == 0) {
    refuse(file, name + ".weight has shape " + spelled(weights.shape) + "; a layer is [outputs,inputs]");
  }
  Layer layer{shape[1], shape[0], finite_floats(weights, name + ".weight", file), std::vector<float>(shape[0], 0.0F)};
  if (const auto found = tensors.find(name + ".bias"); found != tensors.end()) {
    if (found->second.shape != std::vector<std::size_t>{layer.outputs}) {
      refuse(file, name + ".bias has shape " + spelled(found->second.shape) + " beside " + name + ".weight of shape " +
                       spelled(weights.shape));
    }
    layer.biases = finite_floats(found->second, name + ".bias", file);
  }
  return layer;
}

RewardHead::RewardHead(const FileTensors& tensors, const std::string& file) {
  const std::vector<std::string> names = tensors.contains("score.weight")
                                             ? std::vector<std::string>{"score"}
                                             : std::vector<std::string>{"score.0", "score.2"};
  std::size_t used = 0;
  for (const std::string& name : names) {
    if (!tensors.contains(name + ".weight")) {
      used = tensors.size() + 1;
      break;
    }
    layers_.push_back(read_layer(tensors, name, file));
    used += 1 + tensors.count(name + ".bias");
  }
  if (used != tensors.size()) {
    refuse(file, "it holds " + names_of(tensors) +
                     "; a reward head is score.weight [1,D] with or without score.bias, or score.0.weight [H,D] and "
                     "score.2.weight [1,H] with or without biases");
  }
  const Layer& last = layers_.back();
  if (last.outputs != 1) {
    refuse(file, names.back() + ".weight has " + std::to_string(last.outputs) +
                     " rows, one a label: a classifier. A reward head has one.");
  }
  if (layers_.size() == 2 && last.inputs != layers_.front().outputs) {
    refuse(file, "score.2.weight takes " + std::to_string(last.inputs) + " numbers, score.0.weight gives " +
                     std::to_string(layers_.front().outputs));
  }
}

double RewardHead::reward(std::span<const float> hidden) const {
  if (hidden.size() != width()) {
    throw InvalidInput("[RewardHead] the model's hidden state has " + std::to_string(hidden.size()) +
                       " numbers, the head takes " + std::to_string(width()) + ". It belongs to another model.");
  }
  std::vector<double> values(hidden.begin(), hidden.end());
  for (const Layer& layer : layers_) {
    std::vector<double> outputs(layer.biases.begin(), layer.biases.end());
    for (std::size_t row = 0; row < layer.outputs; ++row) {
      for (std::size_t column = 0; column < layer.inputs; ++column) {
        outputs[row] += static_cast<double>(layer.weights[row * layer.inputs + column]) * values[column];
      }
      if (&layer != &layers_.back()) {
        outputs[row] = std::max(0.0, outputs[row]);
      }
    }
    values = std::move(outputs);
  }
  return values.front();
}

}  // namespace endorm
