#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <torch/torch.h>

#include "train/training_sequence.h"

namespace endorm {

// Sequences one behind another, without padding. N tokens in all, M of them targets.
struct PackedBatch {
  torch::Tensor tokens;                    // [N] int64
  torch::Tensor positions;                 // [N] int64, from 0 in every sequence
  std::vector<std::size_t> begins;         // [sequences + 1] where each sequence begins; the last is N
  torch::Tensor rows;                      // [M] int64, the row that predicts each target
  torch::Tensor targets;                   // [M] int64
  std::vector<std::size_t> target_begins;  // [sequences + 1] where each sequence's targets begin; the last is M
};

// Throws InvalidInput where a sequence has no target.
PackedBatch pack(std::span<const TrainingSequence> sequences);

// Half-open range of sequences [begin, end).
struct SequenceRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  // Those of them, or what else there is one of for each.
  template <typename One>
  std::span<const One> of(std::span<const One> all) const {
    return all.subspan(begin, end - begin);
  }
};

// Sequences in runs that have at most pass_tokens tokens together, or are a single one that is longer.
std::vector<SequenceRange> passes_of(std::span<const TrainingSequence> sequences, std::size_t pass_tokens);

}  // namespace endorm
