#include "train/packed_batch.h"

#include <string>

#include "core/errors.h"

namespace endorm {

PackedBatch pack(std::span<const TrainingSequence> sequences) {
  std::vector<std::int64_t> tokens;
  std::vector<std::int64_t> positions;
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> targets;
  PackedBatch batch;
  batch.begins.push_back(0);
  batch.target_begins.push_back(0);
  for (const TrainingSequence& sequence : sequences) {
    if (sequence.first_target == 0 || sequence.first_target >= sequence.tokens.size()) {
      throw InvalidInput("[pack] a sequence of " + std::to_string(sequence.tokens.size()) +
                         " tokens has no target from token " + std::to_string(sequence.first_target));
    }
    const std::size_t begin = tokens.size();
    for (std::size_t index = 0; index < sequence.tokens.size(); ++index) {
      tokens.push_back(sequence.tokens[index]);
      positions.push_back(static_cast<std::int64_t>(index));
      if (index >= sequence.first_target) {
        rows.push_back(static_cast<std::int64_t>(begin + index - 1));
        targets.push_back(sequence.tokens[index]);
      }
    }
    batch.begins.push_back(tokens.size());
    batch.target_begins.push_back(targets.size());
  }
  batch.tokens = torch::tensor(tokens, torch::kInt64);
  batch.positions = torch::tensor(positions, torch::kInt64);
  batch.rows = torch::tensor(rows, torch::kInt64);
  batch.targets = torch::tensor(targets, torch::kInt64);
  return batch;
}

std::vector<SequenceRange> passes_of(std::span<const TrainingSequence> sequences, std::size_t pass_tokens) {
  std::vector<SequenceRange> passes;
  std::size_t tokens = 0;
  for (std::size_t index = 0; index < sequences.size(); ++index) {
    const std::size_t more = sequences[index].tokens.size();
    if (passes.empty() || tokens + more > pass_tokens) {
      passes.push_back({index, index});
      tokens = 0;
    }
    tokens += more;
    passes.back().end = index + 1;
  }
  return passes;
}

}  // namespace endorm
