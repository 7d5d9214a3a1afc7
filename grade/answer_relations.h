#pragma once

#include <set>
#include <string>
#include <vector>

#include "grade/expression.h"

namespace endorm {

// "y", "f(x)", "E(20, 3)", "m_{max}": the name that an equation gives to its other side.
bool is_head(const Node& node);

// What an equation or membership says its name is: "x = 5" and "x \in [0, 1]"; none where no side is a name.
const Node* named_value(const Node& node);

// What an equation says where the other answer is a value: beside named_value the side without variables, where it is
// not 0: "|r - s| = 16" and "x + y = 7" say 16 and 7.
const Node* stated_value(const Node& node);

// "(x, y) = (1, 2)" as the list "x = 1, y = 2"; another node as it is.
Node without_tuples(const Node& node);

// Whether a node is a list that begins with a relation.
bool lists_relations(const Node& node);

// The names of which the relations of a node speak.
void collect_names(const Node& node, std::set<std::string>& names);

// Whether a +- or -+ stands somewhere in the tree.
bool has_plus_minus(const Node& node);

// Whether a node stands for several answers: a list, a set, a +-.
bool is_listing(const Node& node);

// The answers that a node lists: the elements of a list or set, both signs of a +-.
std::vector<Node> listed(const Node& node);

}  // namespace endorm
