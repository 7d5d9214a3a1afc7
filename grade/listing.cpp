#include "grade/listing.h"

#include <utility>

namespace endorm {
namespace {

Node with_sign(const Node& node, bool upper) {
  if (node.kind == Kind::kPlusMinus) {
    const bool plus = (node.name == "+-") == upper;
    Node operand = with_sign(node.children[0], upper);
    return plus ? operand : Node{Kind::kNegative, "", {std::move(operand)}, {}};
  }
  Node result = node;
  for (Node& child : result.children) {
    child = with_sign(child, upper);
  }
  return result;
}

}  // namespace

bool has_plus_minus(const Node& node) {
  return any_node(node, [](const Node& inner) { return inner.kind == Kind::kPlusMinus; });
}

std::vector<Node> listed(const Node& node) {
  std::vector<Node> elements;
  if (node.kind == Kind::kList || node.kind == Kind::kSet) {
    for (const Node& child : node.children) {
      for (Node& element : listed(child)) {
        elements.push_back(std::move(element));
      }
    }
  } else if (has_plus_minus(node)) {
    elements.push_back(with_sign(node, true));
    elements.push_back(with_sign(node, false));
  } else {
    elements.push_back(node);
  }
  return elements;
}

bool is_listing(const Node& node) {
  return node.kind == Kind::kList || node.kind == Kind::kSet || has_plus_minus(node);
}

}  // namespace endorm
