#include "lab/claims.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

namespace endorm::lab {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_ONLY_SERIALIZE(Series, name, x, y)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_ONLY_SERIALIZE(Plot, title, x_label, y_label, log_x, log_y, series)

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

Plot log_log(std::string title, std::string x_label, std::string y_label, std::vector<Series> series) {
  return {std::move(title), std::move(x_label), std::move(y_label), true, true, std::move(series)};
}

Finding at_most(std::string statement, double measured, double bound, std::string detail, std::vector<Plot> plots) {
  return {{}, std::move(statement), measured, Relation::kAtMost, bound, std::move(detail), std::move(plots)};
}

Finding at_least(std::string statement, double measured, double bound, std::string detail, std::vector<Plot> plots) {
  return {{}, std::move(statement), measured, Relation::kAtLeast, bound, std::move(detail), std::move(plots)};
}

Finding as_limit(Finding finding) {
  finding.limit = true;
  return finding;
}

std::vector<Finding> joined(std::initializer_list<std::vector<Finding>> parts) {
  std::vector<Finding> findings;
  for (const std::vector<Finding>& part : parts) {
    findings.insert(findings.end(), part.begin(), part.end());
  }
  return findings;
}

std::string findings_json(std::span<const Finding> findings) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"claim", finding.claim},
                    {"statement", finding.statement},
                    {"measured", finding.measured},
                    {"relation", finding.relation == Relation::kAtMost ? "at most" : "at least"},
                    {"bound", finding.bound},
                    {"holds", finding.holds()},
                    {"limit", finding.limit},
                    {"detail", finding.detail},
                    {"plots", finding.plots}});
  }
  return list.dump(1) + "\n";
}

}  // namespace endorm::lab
