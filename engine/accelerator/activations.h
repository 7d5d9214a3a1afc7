#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace endorm {

// out[i] = gelu(x[i]) * gate[i] (gate nullptr: * 1), in f32, with gelu in its tanh form, as the models that use it were
// trained with. ggml reads it from a table in half precision; this is within 1e-6 of its size.
void gelu(const float* x, const float* gate, std::size_t count, float* out);

// out[i] = x[i] weight[i] / sqrt(mean_j x[j]^2 + epsilon); the sum is in double. out may be x.
void rms_norm(const float* x, const float* weight, std::size_t count, float epsilon, float* out);

// The angles of rotary position embeddings (RoFormer, arXiv:2104.09864): pair i of a head at position p is turned by
// p frequency_scale base^(-2 i / width) / factors[i].
struct RotaryAngles {
  std::size_t width = 0;  // numbers of a head that are turned, even
  float base = 10000.0F;
  float frequency_scale = 1.0F;
  float length_scale = 1.0F;       // what is turned is also multiplied by this
  const float* factors = nullptr;  // [width / 2]; nullptr: all 1
  bool operator==(const RotaryAngles&) const = default;
};

// Cosines and sines for positions [T], taken in double: [T][width / 2] each.
class RotaryTable {
 public:
  RotaryTable(const RotaryAngles& angles, std::span<const std::int32_t> positions, int threads);

  const RotaryAngles& angles() const { return angles_; }
  const float* cosines(std::size_t token) const { return cosines_.data() + token * angles_.width / 2; }
  const float* sines(std::size_t token) const { return sines_.data() + token * angles_.width / 2; }

 private:
  RotaryAngles angles_;
  std::vector<float> cosines_;
  std::vector<float> sines_;
};

// Turns one head [width]: pairs (2 i, 2 i + 1), or (i, i + width / 2) where `halves`. out may be x.
void rotate_head(const float* x, const float* cosines, const float* sines, std::size_t width, bool halves, float* out);

}  // namespace endorm
