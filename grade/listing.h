#pragma once

#include <vector>

#include "grade/expression.h"

namespace endorm {

// Whether a +- or -+ stands somewhere in the tree.
bool has_plus_minus(const Node& node);

// Whether a node stands for several answers: a list, a set, a +-.
bool is_listing(const Node& node);

// The answers that a node lists: the elements of a list or set, both signs of a +-.
std::vector<Node> listed(const Node& node);

}  // namespace endorm
