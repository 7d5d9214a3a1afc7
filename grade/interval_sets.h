#pragma once

#include <optional>
#include <vector>

#include "grade/expression.h"
#include "grade/numeric.h"

namespace endorm {

// Real numbers from low to high, each end in or out. Ends are expressions without variables, or infinite.
struct RealInterval {
  Node low;
  Node high;
  bool low_in = false;
  bool high_in = false;
};

// Intervals from left to right that neither overlap nor touch; single points are closed intervals.
using RealSet = std::vector<RealInterval>;

// Whether a node can only be read as a set of real numbers: a union, a difference, a half-open interval.
bool is_real_set(const Node& node);

// The set that a node names: intervals, unions, sets of numbers, differences from them, and inequalities or "not equal"
// with one variable alone on a side ("x > 3", "-1 < x <= 2", "x < 0 or x > 1"). None where an end has no real value or
// the node is something else.
std::optional<RealSet> real_set(const Node& node, Budget& budget);

bool same_real_sets(const RealSet& left, const RealSet& right, Budget& budget);

}  // namespace endorm
