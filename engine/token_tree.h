#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace endorm {

using Token = std::int32_t;
using Tokens = std::vector<Token>;

// A prefix tree over token sequences: what sequences share is held, and computed, once. Nodes are numbered in the order
// of insertion, so a parent's number is smaller than its children's. A node may be scored: then the engine returns the
// statistics of its token given the path above it. A root token has no state before it and cannot be scored.
class TokenTree {
 public:
  struct Node {
    Token token = 0;
    std::optional<std::size_t> parent;  // none at a root
    std::size_t depth = 0;              // position in its sequence, 0 at a root
    bool scored = false;
  };

  // Inserts prefix + continuation and marks the continuation as scored. Returns the nodes of the continuation, in
  // order. Throws InvalidInput where prefix is empty (nothing would precede the first scored token).
  std::vector<std::size_t> insert(std::span<const Token> prefix, std::span<const Token> continuation);

  std::span<const Node> nodes() const { return nodes_; }
  std::size_t scored_count() const { return scored_count_; }

  // The nodes from a root to this one, and their tokens.
  std::vector<std::size_t> path_to(std::size_t node) const;
  Tokens tokens_to(std::size_t node) const;

 private:
  std::size_t child(std::optional<std::size_t> parent, Token token);

  std::vector<Node> nodes_;
  std::unordered_map<std::uint64_t, std::size_t> children_;  // (parent + 1, token) -> node
  std::size_t scored_count_ = 0;
};

}  // namespace endorm
