#include "grade/answer_relations.h"

#include <algorithm>
#include <utility>

#include "grade/normal_form.h"

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

bool is_name(const Node& node) { return node.kind == Kind::kSymbol || node.kind == Kind::kText; }

bool has_names(const Node& node) { return any_node(node, is_name); }

}  // namespace

bool is_head(const Node& node) {
  if (is_name(node)) {
    return true;
  }
  if (node.kind == Kind::kTuple) {
    return std::all_of(node.children.begin(), node.children.end(), is_head);
  }
  if (node.kind != Kind::kProduct || node.children.size() > 2) {
    return false;
  }
  const bool called = node.children[0].kind == Kind::kSymbol && node.children[1].kind == Kind::kTuple;
  return called || std::all_of(node.children.begin(), node.children.end(), is_name);
}

const Node* named_value(const Node& node) {
  if (node.kind != Kind::kRelation || node.children.size() != 2) {
    return nullptr;
  }
  if (node.name == ":") {
    return &node.children[1];
  }
  if (node.name != "=") {
    return nullptr;
  }
  if (!has_names(node)) {
    return &node.children[0];  // "2/3 = 0.67": the first is what the others restate
  }
  if (is_head(node.children[0])) {
    return &node.children[1];
  }
  if (is_head(node.children[1])) {
    return &node.children[0];
  }
  return nullptr;
}

const Node* stated_value(const Node& node) {
  if (const Node* value = named_value(node)) {
    return value;
  }
  if (node.kind != Kind::kRelation || node.name != "=" || node.children.size() != 2) {
    return nullptr;
  }
  const auto is_value = [](const Node& side) { return !has_names(side) && exact_form(side) != "0"; };
  const bool left = is_value(node.children[0]);
  const bool right = is_value(node.children[1]);
  if (left == right) {
    return nullptr;
  }
  return left ? &node.children[0] : &node.children[1];
}

Node without_tuples(const Node& node) {
  const bool tuples = node.kind == Kind::kRelation && node.name == "=" && node.children.size() == 2 &&
                      node.children[0].kind == Kind::kTuple && node.children[1].kind == Kind::kTuple &&
                      node.children[0].children.size() == node.children[1].children.size();
  if (!tuples) {
    return node;
  }
  Node list{Kind::kList, "", {}, {}};
  for (std::size_t k = 0; k < node.children[0].children.size(); ++k) {
    list.children.push_back(
        Node{Kind::kRelation, "=", {node.children[0].children[k], node.children[1].children[k]}, {}});
  }
  return list;
}

bool lists_relations(const Node& node) {
  return node.kind == Kind::kList &&
         any_node(node.children[0], [](const Node& inner) { return inner.kind == Kind::kRelation; });
}

void collect_names(const Node& node, std::set<std::string>& names) {
  for (const Node& child : node.children) {
    if (node.kind == Kind::kRelation && is_head(child)) {
      names.insert(normal_form(child));
    }
    if (child.kind == Kind::kRelation) {
      collect_names(child, names);
    }
  }
}

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
