#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace endorm {

// What a node of an answer's tree is. Children stand in the order in which they are named here.
enum class Kind {
  kNumber,       // name: a literal, "12", ".5", "4.5e33", or "0.1(27)" with a repeating part
  kSymbol,       // name: a variable as TeX has it, "x", "x_1", "\theta"; also what is opaque to us, "I(0)", "y'"
  kConstant,     // name: "pi", "e", "i" or "infinity"
  kSum,          // terms
  kProduct,      // factors
  kQuotient,     // above, below
  kNegative,     // operand
  kPower,        // base, exponent
  kFunction,     // name: "sqrt", "root" (index, operand), "ln", "log" (operand, or base and operand), "sin", ...
  kFactorial,    // operand
  kPercent,      // operand
  kDegrees,      // operand
  kPlusMinus,    // operand; name: "+-" or "-+": a term that is added or subtracted
  kRatio,        // the numbers between colons: also a time of day
  kBasedNumber,  // name: the digits; base
  kTuple,        // elements; name: the two brackets, "()", "[)", ...: also an interval
  kSet,          // elements in braces
  kList,         // elements between commas, in no bracket
  kUnionOf,      // parts
  kDifference,   // what is left of the first without the others
  kMatrix,       // rows, each a tuple
  kRelation,     // operands; name: the signs between them, each one character of = < > l g ! : (l, g: or equal; !: not
                 // equal; :: is in)
  kText,         // name: words in lower case
  kChoice,       // name: one letter of a multiple choice
};

struct Node {
  Kind kind = Kind::kNumber;
  std::string name;
  std::vector<Node> children;
  std::string unit;  // what stood behind it, as written and without spaces; empty for none
};

// Whether `matches` holds for a node of the tree.
template <typename Predicate>
bool any_node(const Node& node, const Predicate& matches) {
  if (matches(node)) {
    return true;
  }
  for (const Node& child : node.children) {
    if (any_node(child, matches)) {
      return true;
    }
  }
  return false;
}

// Why a text is no answer that we read; never leaves grade/.
struct Unreadable {
  std::string reason;
};

// The tree of an answer in the spelling of one_spelling: LaTeX or plain text, as models write it. A tree is never
// deeper than 64 nodes and never has more than 2,000. Throws Unreadable with a reason.
Node parse_answer(std::string_view text);

}  // namespace endorm
