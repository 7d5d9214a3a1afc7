#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace endorm {

// What a node of an answer's tree is. Children stand in the order in which they are named here.
enum class Kind {
  number,        // name: a literal, "12", ".5", "4.5e33", or "0.1(27)" with a repeating part
  symbol,        // name: a variable as TeX has it, "x", "x_1", "\theta"; also what is opaque to us, "I(0)", "y'"
  constant,      // name: "pi", "e", "i" or "infinity"
  sum,           // terms
  product,       // factors
  quotient,      // above, below
  negative,      // operand
  power,         // base, exponent
  function,      // name: "sqrt", "root" (index, operand), "ln", "log" (operand, or base and operand), "sin", ...
  factorial,     // operand
  percent,       // operand
  degrees,       // operand
  plus_minus,    // operand; name: "+-" or "-+": a term that is added or subtracted
  ratio,         // the numbers between colons: also a time of day
  based_number,  // name: the digits; base
  tuple,         // elements; name: the two brackets, "()", "[)", ...: also an interval
  set,           // elements in braces
  list,          // elements between commas, in no bracket
  union_of,      // parts
  difference,    // what is left of the first without the others
  matrix,        // rows, each a tuple
  relation,      // operands; name: the signs between them, each one character of = < > l g ! : (l, g: or equal; !: not
                 // equal; :: is in)
  text,          // name: words in lower case
  choice,        // name: one letter of a multiple choice
};

struct Node {
  Kind kind = Kind::number;
  std::string name;
  std::vector<Node> children;
  std::string unit;  // what stood behind it, as written and without spaces; empty for none
};

// Whether `matches` holds for a node of the tree.
template <typename Predicate>
bool any_node(const Node& node, const Predicate& matches) {
  if (matches(node)) return true;
  for (const Node& child : node.children) {
    if (any_node(child, matches)) return true;
  }
  return false;
}

}  // namespace endorm
