#include "engine/token_tree.h"

#include "core/errors.h"

namespace endorm {

std::size_t TokenTree::child(std::optional<std::size_t> parent, Token token) {
  const std::uint64_t above = parent ? static_cast<std::uint64_t>(*parent) + 1 : 0;
  const std::uint64_t key = (above << 32) | static_cast<std::uint32_t>(token);
  const auto [entry, inserted] = children_.try_emplace(key, nodes_.size());
  if (inserted) {
    nodes_.push_back({token, parent, parent ? nodes_[*parent].depth + 1 : 0, false});
  }
  return entry->second;
}

std::vector<std::size_t> TokenTree::insert(std::span<const Token> prefix, std::span<const Token> continuation) {
  if (prefix.empty()) {
    throw InvalidInput(
        "[TokenTree::insert] the prefix is empty: nothing precedes the first scored token. Give a prompt, or a "
        "model whose vocabulary adds a BOS token.");
  }
  std::optional<std::size_t> node;
  for (const Token token : prefix) {
    node = child(node, token);
  }
  std::vector<std::size_t> path;
  path.reserve(continuation.size());
  for (const Token token : continuation) {
    node = child(node, token);
    if (!nodes_[*node].scored) {
      nodes_[*node].scored = true;
      ++scored_count_;
    }
    path.push_back(*node);
  }
  return path;
}

std::vector<std::size_t> TokenTree::path_to(std::size_t node) const {
  std::vector<std::size_t> path(nodes_[node].depth + 1);
  for (auto place = path.rbegin(); place != path.rend(); ++place) {
    *place = node;
    node = nodes_[node].parent.value_or(node);
  }
  return path;
}

Tokens TokenTree::tokens_to(std::size_t node) const {
  Tokens tokens;
  for (const std::size_t at : path_to(node)) {
    tokens.push_back(nodes_[at].token);
  }
  return tokens;
}

}  // namespace endorm
