#pragma once

#include <optional>
#include <string>

#include "grade/expression.h"

namespace endorm {

// The normal form of a number or polynomial: a sum of c * sqrt(r) * i * x^a * y^b ... with rational c, square-free
// integer r and integer exponents, in a fixed order and as plain text that parse_answer reads back. pi and e count as
// variables. Two nodes that both have one are equal for all values of their variables exactly where the texts are the
// same. None where the node is no such sum, or where its form would be large: more than 200 terms, exponents above
// 1,000 or numbers of more than 4,000 bits.
std::optional<std::string> exact_form(const Node& node);

// The tree as plain text in one spelling, numbers and polynomials in exact_form: what a person reads to see why a
// verdict fell, and what parse_answer reads back to a tree with the same normal form.
std::string normal_form(const Node& node);

}  // namespace endorm
