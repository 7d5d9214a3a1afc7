#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "engine/token_tree.h"

namespace endorm {

// What a cache allows. A cell holds one token; a sequence names one path through the cells.
struct WaveLimits {
  std::size_t wave_tokens = 512;   // tokens behind a trunk that are computed together and then dropped
  std::size_t batch_tokens = 512;  // tokens in one call of decode
  std::size_t batch_rows = 128;    // rows of logits in one call of decode
  std::size_t sequences = 64;      // sequence ids 0 .. sequences - 1
  bool whole_media = false;        // a medium is decoded in one call, whatever batch_tokens says
  bool shared_cells = true;        // a cell may belong to several sequences (attention); false for recurrent states,
                                   // where a branch is a copy of the state
};

// One token to be decoded: it belongs to the sequences [first_sequence, last_sequence].
struct WaveToken {
  std::size_t node = 0;
  int first_sequence = 0;
  int last_sequence = 0;
  bool read_row = false;  // its row of logits is needed: some child is scored
};

// Copies of sequences, then one decode, then sequences to forget. A step has tokens, or places of one medium alone.
struct WaveStep {
  int copy_from = 0;
  std::optional<std::size_t> copy_positions;  // how many of its tokens, from the first on; none: all
  std::vector<int> copy_to;                   // each becomes a copy of copy_from before the decode
  std::vector<WaveToken> tokens;              // parents before children
  std::vector<int> forget;                    // sequences dropped after the decode
};

// The order in which a tree is computed, so that every node is computed once, the cache holds little more than one path
// and one wave, and all limits are kept.
struct WavePlan {
  std::vector<WaveStep> steps;
  std::size_t cells = 0;            // most cells in use at once
  std::size_t tokens_computed = 0;  // sum of step sizes; above the number of nodes only where sequences ran out
};

// A path of the tree that the cache holds already, to this node, at the beginning of a sequence that no plan uses
// (WaveLimits::sequences or above).
struct HeldPrefix {
  std::size_t node = 0;
  int sequence = 0;
};

// A path shared by many (a prompt) becomes a trunk in a sequence of its own; subtrees behind it are packed into waves
// of at most wave_tokens tokens. Sub-trees with nothing scored are left out, and what is held is not computed. Throws
// InternalError on limits of zero, and on a held node whose row is needed.
WavePlan plan_waves(const TokenTree& tree, const WaveLimits& limits, std::span<const HeldPrefix> held = {});

// The same without any sharing: one root-to-leaf path after the other, each node of a path computed for that path.
WavePlan plan_alone(const TokenTree& tree, const WaveLimits& limits);

}  // namespace endorm
