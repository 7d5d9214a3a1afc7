#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <torch/torch.h>

#include "train/training_data.h"

namespace endorm {

// Half-open range of rows [begin, end).
struct RowRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t size() const { return end - begin; }
};

// The rows of one sequence: those of a prompt that an earlier sequence has brought, and its own behind it.
struct PackedSequence {
  RowRange shared;  // empty where the sequence shares nothing
  RowRange own;
};

// Sequences one behind another, without padding. What comes before the first target of neighbours that have it in
// common is there once: every row depends on the tokens before it alone. N rows in all, M targets.
struct PackedBatch {
  torch::Tensor tokens;                    // [N] int64
  torch::Tensor positions;                 // [N] int64, from 0 in every sequence
  std::vector<PackedSequence> sequences;   // in the order given
  torch::Tensor rows;                      // [M] int64, the row that predicts each target
  torch::Tensor targets;                   // [M] int64
  std::vector<std::size_t> target_begins;  // [sequences + 1] where each sequence's targets begin; the last is M
};

// Its tensors lie on `device`. Throws InvalidInput where a sequence has no target.
PackedBatch pack(std::span<const TrainingSequence> sequences, torch::Device device = torch::kCPU);

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

// Sequences in runs that have at most pass_tokens rows together when packed, or are a single one that is longer.
std::vector<SequenceRange> passes_of(std::span<const TrainingSequence> sequences, std::size_t pass_tokens);

// Some of the sequences, by index, reordered so that those of one prompt are neighbours.
std::vector<std::size_t> by_prompt(std::span<const std::size_t> chosen, std::span<const TrainingSequence> sequences);

}  // namespace endorm
