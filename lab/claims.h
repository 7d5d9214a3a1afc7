#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lab/finding.h"
#include "lab/soft_control.h"

namespace endorm::lab {

struct ClaimOptions {
  std::uint64_t seed = 1;
  double effort = 1.0;                     // share of the random problems; the figures in docs/theory.md are of 1
  RewardRule rule = inverse_soft_bellman;  // tests put wrong formulas here and see findings fail

  // n random problems at this effort, at least 2.
  std::size_t problems(std::size_t n) const;
};

// What each claim of docs/theory.md states, measured on random problems of the seed, exactly.
std::vector<Finding> proposition_1(const ClaimOptions& options);
std::vector<Finding> theorem_1(const ClaimOptions& options);
std::vector<Finding> theorem_2(const ClaimOptions& options);
std::vector<Finding> second_helping(const ClaimOptions& options);
std::vector<Finding> across_prompts(const ClaimOptions& options);
std::vector<Finding> length_bias(const ClaimOptions& options);
std::vector<Finding> reward_hacking(const ClaimOptions& options);

struct Claim {
  std::string_view name;
  std::vector<Finding> (*statements)(const ClaimOptions&);

  // The statements' findings, with the claim's name.
  std::vector<Finding> measure(const ClaimOptions& options) const;
};
// In the order of docs/theory.md.
std::span<const Claim> claims();

}  // namespace endorm::lab
