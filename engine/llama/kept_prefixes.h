#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "engine/llama/wave_plan.h"
#include "engine/token_tree.h"

namespace endorm {

// Which prompts' keys and values a cache still holds from earlier calls, each in a sequence of its own, and which are
// given up for others: those that were not asked for the longest. It holds no keys itself.
class KeptPrefixes {
 public:
  // At most `slots` prompts, with `tokens` tokens together, in the sequences from first_sequence on.
  KeptPrefixes(int first_sequence, std::size_t slots, std::size_t tokens);

  // What of a tree is held: no node whose row of logits is needed is, for rows are not kept. Those found count as used.
  std::vector<HeldPrefix> find(const TokenTree& tree);

  // A place for the path to `node`, or none where it is there already, too short to be worth it or too long. What must
  // be forgotten first is added to `forgotten`.
  std::optional<int> place(const TokenTree& tree, std::size_t node, std::vector<int>& forgotten);

  void clear();
  std::size_t tokens() const { return held_tokens_; }

 private:
  struct Prefix {
    int sequence = 0;
    Tokens tokens;
  };

  std::list<Prefix> prefixes_;  // the one used last is first
  std::vector<int> free_;       // sequences
  int first_sequence_;
  std::size_t slots_;
  std::size_t most_tokens_;
  std::size_t held_tokens_ = 0;
};

}  // namespace endorm
