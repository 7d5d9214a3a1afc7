#include "lab/claims.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace endorm::lab {

std::size_t ClaimOptions::problems(std::size_t n) const {
  return std::max<std::size_t>(2, static_cast<std::size_t>(std::llround(effort * static_cast<double>(n))));
}

std::vector<Finding> Claim::measure(const ClaimOptions& options) const {
  std::vector<Finding> findings = statements(options);
  for (Finding& finding : findings) {
    finding.claim = name;
  }
  return findings;
}

std::span<const Claim> claims() {
  static constexpr std::array<Claim, 7> kClaims{{{"proposition-1", proposition_1},
                                                 {"theorem-1", theorem_1},
                                                 {"theorem-2", theorem_2},
                                                 {"second-helping", second_helping},
                                                 {"across-prompts", across_prompts},
                                                 {"length-bias", length_bias},
                                                 {"reward-hacking", reward_hacking}}};
  return kClaims;
}

}  // namespace endorm::lab
