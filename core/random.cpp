#include "core/random.h"

#include <bit>
#include <cmath>

#include "core/errors.h"

namespace endorm {
namespace {

// SplitMix64: one step of a Weyl sequence, then mixed. Distinct seeds, 0 among them, give unrelated states.
std::uint64_t split_mix(std::uint64_t& weyl) {
  weyl += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = weyl;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_) {
    word = split_mix(seed);
  }
}

std::uint64_t RandomStream::next() {
  const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double RandomStream::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

double RandomStream::normal() {
  // Marsaglia's polar method: a uniform point of the unit disc without its centre.
  for (;;) {
    const double x = 2.0 * uniform() - 1.0;
    const double y = 2.0 * uniform() - 1.0;
    const double square = x * x + y * y;
    if (square > 0.0 && square < 1.0) {
      return x * std::sqrt(-2.0 * std::log(square) / square);
    }
  }
}

std::size_t RandomStream::below(std::size_t n) {
  if (n == 0) {
    throw InvalidInput("[RandomStream::below] n is 0; give at least 1");
  }
  const std::uint64_t choices = n;
  // The first 2^64 mod n values would favour small results: draw again.
  const std::uint64_t biased = (0 - choices) % choices;
  for (;;) {
    const std::uint64_t drawn = next();
    if (drawn >= biased) {
      return static_cast<std::size_t>(drawn % choices);
    }
  }
}

}  // namespace endorm
