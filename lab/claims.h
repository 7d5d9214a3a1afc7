#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/soft_control.h"

namespace endorm::lab {

struct Series {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;

  void add(double at, double value) {
    x.push_back(at);
    y.push_back(value);
  }
};

struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
  std::vector<Series> series;
};
// Both axes logarithmic.
Plot log_log(std::string title, std::string x_label, std::string y_label, std::vector<Series> series = {});

enum class Relation { kAtMost, kAtLeast };

// One statement, measured.
struct Finding {
  std::string claim;      // the claim it belongs to, e.g. "theorem-1"
  std::string statement;  // what should hold, in a sentence
  double measured = 0.0;
  Relation relation = Relation::kAtMost;
  double bound = 0.0;
  std::string detail;  // how it was measured, and figures beside the one
  std::vector<Plot> plots;
  bool limit = false;  // the claim taken beyond its assumptions, to show where it ends: it is expected not to hold

  // measured against bound; a NaN holds nothing.
  bool holds() const { return relation == Relation::kAtMost ? measured <= bound : measured >= bound; }
};

// A statement that holds where what was measured is at most (at least) the bound. Its claim is Claim::measure's to say.
Finding at_most(std::string statement, double measured, double bound, std::string detail, std::vector<Plot> plots = {});
Finding at_least(std::string statement, double measured, double bound, std::string detail,
                 std::vector<Plot> plots = {});
// The same, as a limit.
Finding as_limit(Finding finding);
// The findings of several parts, one behind the other.
std::vector<Finding> joined(std::initializer_list<std::vector<Finding>> parts);

// A JSON list of {claim, statement, measured, relation, bound, holds, limit, detail, plots}, indented.
std::string findings_json(std::span<const Finding> findings);

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
