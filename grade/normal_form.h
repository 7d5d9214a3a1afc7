#pragma once

#include <string>

#include "grade/expression.h"

namespace endorm {

// The tree as plain text in one spelling, numbers and polynomials in exact_form: what a person reads to see why a
// verdict fell, and what parse_answer reads back to a tree with the same normal form.
std::string normal_form(const Node& node);

}  // namespace endorm
