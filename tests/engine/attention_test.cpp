#include "engine/accelerator/attention.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/random.h"

namespace endorm {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::uint16_t kHidden = 0xFC00;  // -infinity in f16

// The numbers of f16 and bf16 that the tests use are made by rounding, so that the reference sees the same ones.
std::uint16_t to_f16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 16U & 0x8000U;
  const float size = std::abs(x);
  if (size < 0x1p-14F) {
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(size * 0x1p24F));
  }
  return static_cast<std::uint16_t>(sign | ((std::bit_cast<std::uint32_t>(size) >> 13U) - (112U << 10U)));
}

float from_f16(std::uint16_t half) {
  const int exponent = half >> 10U & 31;
  const int fraction = half & 1023;
  const float sign = (half & 0x8000U) != 0 ? -1.0F : 1.0F;
  if (exponent == 31) {
    return fraction != 0 ? std::numeric_limits<float>::quiet_NaN() : sign * kInfinity;
  }
  return sign * (exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                               : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25));
}

std::size_t size_of(AttentionElement element) { return element == AttentionElement::kF32 ? 4 : 2; }

// Rows of numbers of one type, spread over memory by strides; what lies between them must not be read.
struct Rows {
  Rows(RandomStream& random, AttentionElement of, std::size_t width, const std::array<std::size_t, 3>& counts,
       double scale)
      : element(of) {
    std::size_t stride = width * size_of(of);
    for (std::size_t axis = 3; axis-- > 0;) {
      stride += size_of(of) * random.below(4);
      strides[axis] = stride;
      stride *= counts[axis];
    }
    memory.assign(stride, std::byte{0xFF});  // NaN in every type
    for (std::size_t i = 0; i < counts[0]; ++i) {
      for (std::size_t j = 0; j < counts[1]; ++j) {
        for (std::size_t k = 0; k < counts[2]; ++k) {
          for (std::size_t d = 0; d < width; ++d) {
            put(i, j, k, d, static_cast<float>(scale * random.normal()));
          }
        }
      }
    }
  }
  std::size_t offset(std::size_t i, std::size_t j, std::size_t k, std::size_t d) const {
    return i * strides[0] + j * strides[1] + k * strides[2] + d * size_of(element);
  }
  void put(std::size_t i, std::size_t j, std::size_t k, std::size_t d, float x) {
    std::byte* at = memory.data() + offset(i, j, k, d);
    if (element == AttentionElement::kF32) {
      std::memcpy(at, &x, 4);
    } else {
      const auto half = element == AttentionElement::kF16
                            ? to_f16(x)
                            : static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16U);
      std::memcpy(at, &half, 2);
    }
  }
  double get(std::size_t i, std::size_t j, std::size_t k, std::size_t d) const {
    const std::byte* at = memory.data() + offset(i, j, k, d);
    float x = 0.0F;
    if (element == AttentionElement::kF32) {
      std::memcpy(&x, at, 4);
      return x;
    }
    std::uint16_t half = 0;
    std::memcpy(&half, at, 2);
    return element == AttentionElement::kF16 ? from_f16(half)
                                             : std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16U);
  }

  AttentionElement element;
  std::array<std::size_t, 3> strides{};  // bytes; [streams, queries or keys, heads]
  std::vector<std::byte> memory;
};

enum class MaskKind { kNone, kCausal, kTree, kWindow, kAllHidden, kScattered, kValues, kCount };

struct Problem {
  std::size_t streams;
  std::size_t mask_streams;
  std::size_t queries;
  std::size_t keys;
  std::size_t kv_heads;
  std::size_t group;
  std::size_t head_width;
  std::size_t value_width;
  MaskKind mask_kind;
  AttentionElement k_element;
  AttentionElement v_element;
  float scale;
  float softcap;
  bool has_sinks;
};

// [mask_streams, queries, mask_row] bits of f16
std::vector<std::uint16_t> make_mask(RandomStream& random, const Problem& p, std::size_t mask_row) {
  std::vector<std::uint16_t> mask(p.mask_streams * p.queries * mask_row, 0x7E00);  // NaN between the rows
  for (std::size_t stream = 0; stream < p.mask_streams; ++stream) {
    const std::size_t trunk = random.below(p.keys + 1);
    const std::size_t branches = 1 + random.below(5);
    const std::size_t window = 1 + random.below(p.keys);
    for (std::size_t i = 0; i < p.queries; ++i) {
      const std::size_t position = i + p.keys - std::min(p.keys, p.queries);  // the last queries are the last keys
      for (std::size_t j = 0; j < p.keys; ++j) {
        bool seen = j <= position;
        if (p.mask_kind == MaskKind::kTree) {
          seen = j < trunk || (j <= position && j % branches == position % branches);
        }
        if (p.mask_kind == MaskKind::kWindow) {
          seen = seen && position - j < window;
        }
        if (p.mask_kind == MaskKind::kAllHidden) {
          seen = i % 3 == 0 && j < trunk;
        }
        if (p.mask_kind == MaskKind::kScattered) {
          seen = random.below(8) == 0;
        }
        std::uint16_t value = seen ? 0 : kHidden;
        if (p.mask_kind == MaskKind::kValues && seen) {
          value = to_f16(static_cast<float>(2.0 * random.normal()));
        }
        mask[(stream * p.queries + i) * mask_row + j] = value;
      }
    }
  }
  return mask;
}

// [value_width] in double, from the definition.
std::vector<double> reference(const Problem& p, const Rows& q, const Rows& k, const Rows& v,
                              const std::uint16_t* mask_row, const float* sinks, std::size_t stream, std::size_t query,
                              std::size_t head) {
  std::vector<double> scores(p.keys, -kInfinity);
  double largest = sinks != nullptr ? sinks[head] : -kInfinity;
  for (std::size_t j = 0; j < p.keys; ++j) {
    if (mask_row != nullptr && mask_row[j] == kHidden) {
      continue;
    }
    double score = 0.0;
    for (std::size_t d = 0; d < p.head_width; ++d) {
      score += q.get(stream, query, head, d) * k.get(stream, j, head / p.group, d);
    }
    score *= p.scale;
    if (p.softcap > 0.0F) {
      score = p.softcap * std::tanh(score / p.softcap);
    }
    scores[j] = score + (mask_row != nullptr ? from_f16(mask_row[j]) : 0.0F);
    largest = std::max(largest, scores[j]);
  }
  double sum = sinks != nullptr && sinks[head] > -kInfinity ? std::exp(sinks[head] - largest) : 0.0;
  std::vector<double> out(p.value_width, 0.0);
  for (std::size_t j = 0; j < p.keys; ++j) {
    if (scores[j] == -kInfinity) {
      continue;
    }
    const double power = std::exp(scores[j] - largest);
    sum += power;
    for (std::size_t d = 0; d < p.value_width; ++d) {
      out[d] += power * v.get(stream, j, head / p.group, d);
    }
  }
  for (double& x : out) {
    x = sum > 0.0 ? x / sum : 0.0;
  }
  return out;
}

AttentionArguments arguments_of(const Problem& p, const Rows& q, const Rows& k, const Rows& v) {
  AttentionArguments a;
  a.head_width = p.head_width;
  a.value_width = p.value_width;
  a.queries = p.queries;
  a.keys = p.keys;
  a.heads = p.kv_heads * p.group;
  a.kv_heads = p.kv_heads;
  a.streams = p.streams;
  a.scale = p.scale;
  a.logit_softcap = p.softcap;
  a.q = reinterpret_cast<const float*>(q.memory.data());
  a.q_strides = {q.strides[1], q.strides[2], q.strides[0]};
  a.k = k.memory.data();
  a.k_element = p.k_element;
  a.k_strides = {k.strides[1], k.strides[2], k.strides[0]};
  a.v = v.memory.data();
  a.v_element = p.v_element;
  a.v_strides = {v.strides[1], v.strides[2], v.strides[0]};
  a.threads = 2;
  return a;
}

// Scores of a few tens are off by some 1e-6 in f32, which is the relative error of a probability; values are about 1.
constexpr double kTolerance = 4e-6;

void check_problem(RandomStream& random, const Problem& p, AttentionScratch& scratch) {
  INFO("streams ", p.streams, ", of the mask ", p.mask_streams, "; queries ", p.queries, ", keys ", p.keys,
       ", kv_heads ", p.kv_heads, ", group ", p.group, ", widths ", p.head_width, " and ", p.value_width, ", mask ",
       static_cast<int>(p.mask_kind));
  const std::size_t heads = p.kv_heads * p.group;
  const Rows q(random, AttentionElement::kF32, p.head_width, {p.streams, p.queries, heads}, 1.0);
  const Rows k(random, p.k_element, p.head_width, {p.streams, p.keys, p.kv_heads}, 1.0);
  const Rows v(random, p.v_element, p.value_width, {p.streams, p.keys, p.kv_heads}, 1.0);
  std::vector<float> sinks(heads);
  for (float& sink : sinks) {
    sink = static_cast<float>(2.0 * random.normal());
  }
  if (heads > 1) {
    sinks[0] = -kInfinity;
  }
  const std::size_t mask_row = p.keys + random.below(5);
  const auto values = p.mask_kind == MaskKind::kNone ? std::vector<std::uint16_t>{} : make_mask(random, p, mask_row);
  AttentionMaskSource source{nullptr, p.queries, p.keys, p.mask_streams, mask_row * 2, p.queries * mask_row * 2};
  if (!values.empty()) {
    source.values = values.data();
  }
  const AttentionMask mask(source, 2);

  AttentionArguments a = arguments_of(p, q, k, v);
  if (p.has_sinks) {
    a.sinks = sinks.data();
  }
  const std::size_t out_row = p.value_width + random.below(3);
  a.out_strides = {heads * out_row * 4, out_row * 4, p.queries * heads * out_row * 4};
  for (const AttentionKernel kernel : available_attention_kernels()) {
    INFO(attention_kernel_name(kernel));
    std::vector<float> out(p.streams * p.queries * heads * out_row, -7.0F);
    a.out = out.data();
    attention_on(kernel, a, mask, scratch);
    double worst = 0.0;
    std::size_t overwritten = 0;
    for (std::size_t row = 0; row < p.streams * p.queries * heads; ++row) {
      const std::size_t head = row % heads;
      const std::size_t query = row / heads % p.queries;
      const std::size_t stream = row / heads / p.queries;
      const std::uint16_t* mask_of_row =
          values.empty() ? nullptr : values.data() + (stream % p.mask_streams * p.queries + query) * mask_row;
      const auto expected = reference(p, q, k, v, mask_of_row, a.sinks, stream, query, head);
      for (std::size_t d = 0; d < p.value_width; ++d) {
        const double difference = std::abs(out[row * out_row + d] - expected[d]);
        if (!(difference <= worst)) {
          worst = difference;  // keeps a NaN
        }
      }
      for (std::size_t d = p.value_width; d < out_row; ++d) {
        overwritten += out[row * out_row + d] == -7.0F ? 0 : 1;
      }
    }
    CHECK(worst <= kTolerance);
    CHECK(overwritten == 0);
    std::vector<float> again(out.size(), -7.0F);
    a.out = again.data();
    a.threads = 1;
    attention_on(kernel, a, mask, scratch);
    a.threads = 2;
    CHECK(std::memcmp(again.data(), out.data(), out.size() * sizeof(float)) == 0);
  }
}

TEST_CASE("random problems agree with the definition in double, on every kernel, and do not depend on threads") {
  constexpr std::uint64_t kSeed = 20260726;
  constexpr std::array<std::size_t, 8> kWidths{16, 64, 72, 80, 100, 128, 33, 256};
  constexpr std::array<AttentionElement, 3> kElements{AttentionElement::kF32, AttentionElement::kF16,
                                                      AttentionElement::kBf16};
  RandomStream random(kSeed);
  AttentionScratch scratch;
  for (int round = 0; round < 140; ++round) {
    INFO("seed ", kSeed, ", round ", round);
    Problem p{};
    p.streams = 1 + random.below(2);
    p.mask_streams = random.below(2) == 0 ? 1 : p.streams;
    p.queries = round % 3 == 0 ? 1 : 1 + random.below(70);
    p.keys = 1 + random.below(round % 10 == 0 ? 600 : 150);
    p.kv_heads = 1 + random.below(2);
    p.group = 1 + random.below(round % 10 == 0 ? 2 : 8);
    p.head_width = kWidths[random.below(kWidths.size())];
    p.value_width = random.below(2) == 0 ? p.head_width : kWidths[random.below(kWidths.size())];
    p.mask_kind = static_cast<MaskKind>(round % static_cast<int>(MaskKind::kCount));
    p.k_element = kElements[random.below(3)];
    p.v_element = kElements[random.below(3)];
    p.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(p.head_width)));
    p.softcap = random.below(3) == 0 ? static_cast<float>(1.0 + 49.0 * random.uniform()) : 0.0F;
    p.has_sinks = random.below(3) == 0;
    check_problem(random, p, scratch);
  }
}

// One head of width 16 over `keys` keys, without gaps.
struct Small {
  Small(std::size_t queries, std::size_t keys)
      : q(queries * 16, 0.5F), k(keys * 16, 0.25F), v(keys * 16, 2.0F), out(queries * 16, -7.0F) {
    a.head_width = a.value_width = 16;
    a.queries = queries;
    a.keys = keys;
    a.heads = a.kv_heads = 1;
    a.k_element = a.v_element = AttentionElement::kF32;
    a.q = q.data();
    a.k = k.data();
    a.v = v.data();
    a.out = out.data();
    a.q_strides.token = a.k_strides.token = a.v_strides.token = a.out_strides.token = 64;
  }
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> v;
  std::vector<float> out;
  AttentionArguments a;
};

TEST_CASE("a query that sees nothing gives exact zeros, and keys that nobody sees are not read") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  AttentionScratch scratch;
  for (const AttentionKernel kernel : available_attention_kernels()) {
    INFO(attention_kernel_name(kernel));
    Small small(3, 200);
    std::vector<std::uint16_t> values(3 * 200, kHidden);
    for (std::size_t j = 50; j < 120; ++j) {
      values[j] = values[2 * 200 + j] = 0;
    }
    for (std::size_t j = 0; j < 200; ++j) {
      if (j >= 50 && j < 120) {
        continue;
      }
      std::fill_n(small.k.begin() + static_cast<std::ptrdiff_t>(j * 16), 16, kNan);
      std::fill_n(small.v.begin() + static_cast<std::ptrdiff_t>(j * 16), 16, kNan);
    }
    attention_on(kernel, small.a, AttentionMask({values.data(), 3, 200, 1, 400, 1200}, 1), scratch);
    for (std::size_t d = 0; d < 16; ++d) {
      CHECK(std::abs(small.out[d] - 2.0F) <= 1e-6F);
      CHECK(small.out[16 + d] == 0.0F);
      CHECK(std::abs(small.out[32 + d] - 2.0F) <= 1e-6F);
    }
  }
}

TEST_CASE("scores far apart and a NaN among the values: no overflow, no NaN made or lost") {
  AttentionScratch scratch;
  for (const AttentionKernel kernel : available_attention_kernels()) {
    INFO(attention_kernel_name(kernel));
    Small small(1, 3);
    small.a.scale = 1e4F;
    std::fill_n(small.k.begin() + 16, 16, 1.0F);  // its score is 60,000 above the others
    std::fill_n(small.v.begin() + 16, 16, 3.0F);
    const AttentionMask mask({nullptr, 1, 3, 1, 0, 0}, 1);
    attention_on(kernel, small.a, mask, scratch);
    CHECK(small.out[0] == 3.0F);
    small.v[17] = std::numeric_limits<float>::quiet_NaN();
    attention_on(kernel, small.a, mask, scratch);
    CHECK(small.out[0] == 3.0F);
    CHECK(std::isnan(small.out[1]));
  }
}

TEST_CASE("the map of a mask: runs, bits, values and counts") {
  std::vector<std::uint16_t> values(18 * 70, kHidden);
  const auto at = [&](std::size_t query, std::size_t key) -> std::uint16_t& { return values[query * 70 + key]; };
  at(0, 3) = at(15, 4) = at(2, 69) = 0;
  at(16, 0) = 0x8000;  // -0 is no value
  at(17, 40) = to_f16(1.5F);
  const AttentionMask mask({values.data(), 18, 70, 1, 140, 2520}, 2);
  CHECK(mask.blocks() == 2);
  CHECK(mask.visible_pairs() == 5);
  const auto first = mask.runs(mask.block(0, 0));
  REQUIRE(first.size() == 2);
  CHECK(first[0].begin == 3);
  CHECK(first[0].end == 5);
  CHECK(first[1].begin == 69);
  CHECK(first[1].end == 70);
  CHECK(mask.block(0, 0).visible_keys == 3);
  CHECK(!mask.block(0, 0).has_values);
  CHECK(mask.bits(0, 0)[3] == 1);
  CHECK(mask.bits(0, 0)[4] == 0x8000);
  CHECK(mask.block(0, 1).has_values);
  CHECK(mask.bits(0, 1)[0] == 0xFFFD);  // query 16, and those past the end
  CHECK(mask.bits(0, 1)[1] == 0);
}

TEST_CASE("shapes that do not fit together are refused") {
  AttentionScratch scratch;
  const AttentionMask mask({nullptr, 2, 5, 1, 0, 0}, 1);
  const auto refused = [&](const auto& change) {
    Small small(2, 5);
    change(small.a);
    CHECK_THROWS_AS(attention(small.a, mask, scratch), InvalidInput);
  };
  refused([](AttentionArguments& a) { a.head_width = 0; });
  refused([](AttentionArguments& a) { a.heads = 3, a.kv_heads = 2; });
  refused([](AttentionArguments& a) { a.queries = 3; });
  refused([](AttentionArguments& a) { a.keys = 4; });
  refused([](AttentionArguments& a) { a.logit_softcap = -1.0F; });
  refused([](AttentionArguments& a) { a.logit_softcap = std::numeric_limits<float>::quiet_NaN(); });
  refused([](AttentionArguments& a) { a.threads = 0; });
  refused([](AttentionArguments& a) { a.v = nullptr; });
  CHECK_THROWS_AS(AttentionMask({nullptr, 0, 5, 1, 0, 0}, 1), InvalidInput);
  CHECK_THROWS_AS(AttentionMask({nullptr, 1, 5, 1, 0, 0}, 0), InvalidInput);
  const std::vector<std::uint16_t> values(10);
  CHECK_THROWS_AS(AttentionMask({values.data(), 2, 5, 1, 8, 20}, 1), InvalidInput);
}

TEST_CASE("a kernel that this processor lacks is refused, and the portable one is always there") {
  const auto kernels = available_attention_kernels();
  REQUIRE(!kernels.empty());
  CHECK(kernels.back() == AttentionKernel::kPortable);
  CHECK(std::is_sorted(kernels.begin(), kernels.end()));
  AttentionScratch scratch;
  const AttentionMask mask({nullptr, 1, 1, 1, 0, 0}, 1);
  for (const AttentionKernel kernel : {AttentionKernel::kAvx512, AttentionKernel::kAvx2}) {
    if (std::find(kernels.begin(), kernels.end(), kernel) != kernels.end()) {
      continue;
    }
    CHECK_THROWS_AS(attention_on(kernel, Small(1, 1).a, mask, scratch), InvalidInput);
  }
}

}  // namespace
}  // namespace endorm
