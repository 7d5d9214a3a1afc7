#include "engine/llama/wave_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/errors.h"
#include "engine/medium.h"

namespace endorm {
namespace {

using Nodes = std::vector<std::size_t>;

class Planner {
 public:
  Planner(const TokenTree& tree, const WaveLimits& limits)
      : tree_(tree), limits_(limits), children_(tree.nodes().size()) {
    if (limits.wave_tokens == 0 || limits.batch_tokens == 0 || limits.batch_rows == 0 || limits.sequences < 2) {
      throw InternalError("[plan_waves] every limit must be positive, and there must be at least two sequences");
    }
    measure();
  }

  WavePlan with_sharing(std::span<const HeldPrefix> held) && {
    held_.assign(tree_.nodes().size(), std::nullopt);
    for (const HeldPrefix& prefix : held) {
      for (std::optional<std::size_t> at = prefix.node; at && !held_[*at]; at = tree_.nodes()[*at].parent) {
        if (read_row_[*at]) {
          throw InternalError("[plan_waves] a held node's row of logits is needed");
        }
        held_[*at] = prefix.sequence;
      }
    }
    plan_below_held(roots_, std::nullopt);
    return std::move(plan_);
  }

  WavePlan without_sharing() && {
    for (const std::size_t leaf : leaves(roots_)) {
      const Nodes path = tree_.path_to(leaf);
      emit(token_list(path, 0), std::nullopt, {});
      plan_.steps.back().forget = {0};
    }
    return std::move(plan_);
  }

 private:
  // The sequence that the path above lies in, and how many of its tokens that path is; none: all.
  struct Trunk {
    int sequence = 0;
    std::optional<std::size_t> positions;
  };

  // Which nodes are needed at all (scored, or with a scored node below), their children, and the size of each subtree.
  void measure() {
    const auto nodes = tree_.nodes();
    size_.assign(nodes.size(), 0);
    leaf_count_.assign(nodes.size(), 0);
    read_row_.assign(nodes.size(), 0);
    for (std::size_t i = nodes.size(); i-- > 0;) {
      // The last token of a response is scored from its parent's row: it needs no computation of its own.
      const bool computed = size_[i] > 0 || read_row_[i];
      if (computed) {
        ++size_[i];
        leaf_count_[i] = std::max<std::size_t>(leaf_count_[i], 1);
      }
      if (!nodes[i].parent) {
        continue;
      }
      const std::size_t parent = *nodes[i].parent;
      read_row_[parent] |= static_cast<char>(nodes[i].scored);
      size_[parent] += size_[i];
      leaf_count_[parent] += leaf_count_[i];
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (size_[i] == 0) {
        continue;
      }
      (nodes[i].parent ? children_[*nodes[i].parent] : roots_).push_back(i);
    }
  }

  // Siblings, of which some may be held: the others are planned behind what is.
  void plan_below_held(const Nodes& siblings, std::optional<Trunk> trunk) {
    Nodes computed;
    for (const std::size_t node : siblings) {
      if (!held_[node]) {
        computed.push_back(node);
        continue;
      }
      plan_below_held(children_[node], Trunk{*held_[node], tree_.nodes()[node].depth + 1});
    }
    plan_children(computed, trunk, 0);
  }

  // Plans the subtrees of `siblings`, whose parent path lies in sequence `trunk` (none at the roots) at `level`.
  void plan_children(const Nodes& siblings, std::optional<Trunk> trunk, std::size_t level) {
    const std::size_t free_sequences = limits_.sequences - level;
    Nodes group;
    std::size_t group_size = 0;
    std::size_t group_leaves = 0;
    const auto flush = [&] {
      if (!group.empty()) {
        plan_wave(group, trunk, level);
      }
      group.clear();
      group_size = group_leaves = 0;
    };
    for (const std::size_t child : siblings) {
      const bool fits = size_[child] <= limits_.wave_tokens && leaf_count_[child] <= free_sequences &&
                        (limits_.shared_cells || leaf_count_[child] == 1);
      if (!fits) {
        flush();
        plan_trunk(child, trunk, level);
        continue;
      }
      if (group_size + size_[child] > limits_.wave_tokens || group_leaves + leaf_count_[child] > free_sequences) {
        flush();
      }
      group.push_back(child);
      group_size += size_[child];
      group_leaves += leaf_count_[child];
    }
    flush();
  }

  // A subtree too large for a wave: its first chain becomes the trunk of what follows, in the sequence `level`.
  void plan_trunk(std::size_t top, std::optional<Trunk> trunk, std::size_t level) {
    if (level + 2 > limits_.sequences) {
      plan_alone_below(top, trunk, level);
      return;
    }
    Nodes chain{top};
    while (children_[chain.back()].size() == 1) {
      chain.push_back(children_[chain.back()].front());
    }
    const int sequence = static_cast<int>(level);
    emit(token_list(chain, sequence), trunk, {sequence});
    cells_ += chain.size();
    if (!children_[chain.back()].empty()) {
      plan_children(children_[chain.back()], Trunk{sequence, {}}, level + 1);
    }
    plan_.steps.back().forget.push_back(sequence);
    cells_ -= chain.size();
  }

  // Sequences ran out below a deep nest of branches: each leaf is computed from here on by itself.
  void plan_alone_below(std::size_t top, std::optional<Trunk> trunk, std::size_t level) {
    const int sequence = static_cast<int>(level);
    for (const std::size_t leaf : leaves({top})) {
      Nodes path = tree_.path_to(leaf);
      path.erase(path.begin(), std::find(path.begin(), path.end(), top));
      emit(token_list(path, sequence), trunk, {sequence});
      plan_.steps.back().forget.push_back(sequence);
    }
  }

  // Subtrees that are computed together: every leaf gets a sequence, every token belongs to those of the leaves below
  // it.
  void plan_wave(const Nodes& tops, std::optional<Trunk> trunk, std::size_t level) {
    std::vector<WaveToken> tokens;
    int next = static_cast<int>(level);
    for (const std::size_t top : tops) {
      std::vector<std::pair<std::size_t, int>> stack{{top, next}};  // a node and its first sequence
      while (!stack.empty()) {
        const auto [node, first_sequence] = stack.back();
        stack.pop_back();
        const int count = static_cast<int>(leaf_count_[node]);
        tokens.push_back({node, first_sequence, first_sequence + count - 1, read_row_[node] != 0});
        int child_first = first_sequence + count;
        for (auto child = children_[node].rbegin(); child != children_[node].rend(); ++child) {
          child_first -= static_cast<int>(leaf_count_[*child]);
          stack.emplace_back(*child, child_first);
        }
      }
      next += static_cast<int>(leaf_count_[top]);
    }
    std::vector<int> sequences(static_cast<std::size_t>(next) - level);
    std::iota(sequences.begin(), sequences.end(), static_cast<int>(level));
    emit(tokens, trunk, sequences);
    plan_.steps.back().forget.insert(plan_.steps.back().forget.end(), sequences.begin(), sequences.end());
  }

  std::vector<WaveToken> token_list(const Nodes& chain, int sequence) const {
    std::vector<WaveToken> tokens;
    for (const std::size_t node : chain) {
      tokens.push_back({node, sequence, sequence, read_row_[node] != 0});
    }
    return tokens;
  }

  // Cuts tokens into steps that keep the limits of one decode; the copies go before the first.
  void emit(const std::vector<WaveToken>& tokens, std::optional<Trunk> trunk, const std::vector<int>& copy_to) {
    plan_.cells = std::max(plan_.cells, cells_ + tokens.size());
    plan_.tokens_computed += tokens.size();
    std::size_t rows = 0;
    bool first = true;
    bool in_medium = false;
    for (const WaveToken& token : tokens) {
      const Token value = tree_.nodes()[token.node].token;
      const bool other = is_medium(value) != in_medium || begins_medium(value);
      in_medium = is_medium(value);
      const bool full = !first && (plan_.steps.back().tokens.size() >= limits_.batch_tokens ||
                                   rows + token.read_row > limits_.batch_rows);
      if (first || other || (full && !(in_medium && limits_.whole_media))) {
        plan_.steps.emplace_back();
        rows = 0;
      }
      if (first && trunk) {
        plan_.steps.back().copy_from = trunk->sequence;
        plan_.steps.back().copy_positions = trunk->positions;
        plan_.steps.back().copy_to = copy_to;
      }
      first = false;
      rows += token.read_row;
      plan_.steps.back().tokens.push_back(token);
    }
  }

  // Of the subtrees of some nodes, in order.
  Nodes leaves(const Nodes& tops) const {
    Nodes found;
    Nodes stack(tops.rbegin(), tops.rend());
    while (!stack.empty()) {
      const std::size_t node = stack.back();
      stack.pop_back();
      if (children_[node].empty()) {
        found.push_back(node);
      }
      stack.insert(stack.end(), children_[node].rbegin(), children_[node].rend());
    }
    return found;
  }

  const TokenTree& tree_;
  const WaveLimits& limits_;
  std::vector<Nodes> children_;           // needed children of each node
  Nodes roots_;                           // needed roots
  std::vector<std::size_t> size_;         // needed nodes in the subtree, itself included; 0: not needed
  std::vector<std::size_t> leaf_count_;   // needed leaves in the subtree
  std::vector<char> read_row_;            // some child is scored
  std::vector<std::optional<int>> held_;  // the sequence that holds the path to a node already
  std::size_t cells_ = 0;                 // cells of the trunks above
  WavePlan plan_;
};

}  // namespace

WavePlan plan_waves(const TokenTree& tree, const WaveLimits& limits, std::span<const HeldPrefix> held) {
  return Planner(tree, limits).with_sharing(held);
}

WavePlan plan_alone(const TokenTree& tree, const WaveLimits& limits) { return Planner(tree, limits).without_sharing(); }

}  // namespace endorm
