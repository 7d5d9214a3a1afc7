#include "grade/listing.h"

#include <utility>

namespace endorm {
namespace {

Node with_sign(const Node& node, bool upper) {
  if (node.kind == Kind::plus_minus) {
    const bool plus = (node.name == "+-") == upper;
    Node operand = with_sign(node.children[0], upper);
    return plus ? operand : Node{Kind::negative, "", {std::move(operand)}, {}};
  }
  Node result = node;
  for (Node& child : result.children) child = with_sign(child, upper);
  return result;
}

}  // namespace

bool has_plus_minus(const Node& node) {
  return any_node(node, [](const Node& inner) { return inner.kind == Kind::plus_minus; });
}

std::vector<Node> listed(const Node& node) {
  std::vector<Node> elements;
  if (node.kind == Kind::list || node.kind == Kind::set) {
    for (const Node& child : node.children) {
      for (Node& element : listed(child)) elements.push_back(std::move(element));
    }
  } else if (has_plus_minus(node)) {
    elements.push_back(with_sign(node, true));
    elements.push_back(with_sign(node, false));
  } else {
    elements.push_back(node);
  }
  return elements;
}

bool is_listing(const Node& node) { return node.kind == Kind::list || node.kind == Kind::set || has_plus_minus(node); }

}  // namespace endorm
