#include "engine/llama/kept_prefixes.h"

#include <algorithm>
#include <map>
#include <utility>

namespace endorm {
namespace {

constexpr std::size_t kFewTokens = 8;  // cheaper to compute again than to keep

}  // namespace

KeptPrefixes::KeptPrefixes(int first_sequence, std::size_t slots, std::size_t tokens)
    : first_sequence_(first_sequence), slots_(slots), most_tokens_(tokens) {
  clear();
}

void KeptPrefixes::clear() {
  prefixes_.clear();
  held_tokens_ = 0;
  free_.clear();
  free_.reserve(slots_);
  for (std::size_t i = slots_; i-- > 0;) {
    free_.push_back(first_sequence_ + static_cast<int>(i));
  }
}

std::vector<HeldPrefix> KeptPrefixes::find(const TokenTree& tree) {
  if (prefixes_.empty()) {
    return {};
  }
  const auto nodes = tree.nodes();
  std::vector<char> read_row(nodes.size(), 0);
  for (const TokenTree::Node& node : nodes) {
    if (node.scored) {
      read_row[*node.parent] = 1;
    }
  }
  std::map<std::pair<std::size_t, Token>, std::size_t> children;  // (parent + 1, token) -> node
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    children[{nodes[i].parent ? *nodes[i].parent + 1 : 0, nodes[i].token}] = i;
  }
  std::map<std::size_t, int> held;  // by node
  for (auto prefix = prefixes_.begin(); prefix != prefixes_.end();) {
    const auto here = prefix++;
    std::optional<std::size_t> deepest;
    for (const Token token : here->tokens) {
      const auto found = children.find({deepest ? *deepest + 1 : 0, token});
      if (found == children.end() || read_row[found->second]) {
        break;
      }
      deepest = found->second;
    }
    if (deepest && nodes[*deepest].depth + 1 >= kFewTokens && held.try_emplace(*deepest, here->sequence).second) {
      prefixes_.splice(prefixes_.begin(), prefixes_, here);
    }
  }
  std::vector<HeldPrefix> result;
  result.reserve(held.size());
  for (const auto& [node, sequence] : held) {
    result.push_back({node, sequence});
  }
  return result;
}

std::optional<int> KeptPrefixes::place(const TokenTree& tree, std::size_t node, std::vector<int>& forgotten) {
  const std::size_t length = tree.nodes()[node].depth + 1;
  if (length < kFewTokens || length > most_tokens_ || slots_ == 0) {
    return std::nullopt;
  }
  Tokens tokens = tree.tokens_to(node);
  const auto same =
      std::find_if(prefixes_.begin(), prefixes_.end(), [&](const Prefix& prefix) { return prefix.tokens == tokens; });
  if (same != prefixes_.end()) {
    prefixes_.splice(prefixes_.begin(), prefixes_, same);
    return std::nullopt;
  }
  while (free_.empty() || held_tokens_ + length > most_tokens_) {
    held_tokens_ -= prefixes_.back().tokens.size();
    forgotten.push_back(prefixes_.back().sequence);
    free_.push_back(prefixes_.back().sequence);
    prefixes_.pop_back();
  }
  const int sequence = free_.back();
  free_.pop_back();
  held_tokens_ += length;
  prefixes_.push_front({sequence, std::move(tokens)});
  return sequence;
}

}  // namespace endorm
