#include "train/packed_batch.h"

#include <algorithm>
#include <string>

#include "core/errors.h"

namespace endorm {
namespace {

// What stands before the first target.
std::span<const Token> prompt_of(const TrainingSequence& sequence) {
  return std::span<const Token>(sequence.tokens).first(sequence.first_target);
}

bool share_prompt(const TrainingSequence& a, const TrainingSequence& b) {
  return std::ranges::equal(prompt_of(a), prompt_of(b));
}

void check_target(const TrainingSequence& sequence) {
  if (sequence.first_target == 0 || sequence.first_target >= sequence.tokens.size()) {
    throw InvalidInput("[pack] a sequence of " + std::to_string(sequence.tokens.size()) +
                       " tokens has no target from token " + std::to_string(sequence.first_target));
  }
}

}  // namespace

PackedBatch pack(std::span<const TrainingSequence> sequences, torch::Device device) {
  std::vector<std::int64_t> tokens;
  std::vector<std::int64_t> positions;
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> targets;
  PackedBatch batch;
  batch.target_begins.push_back(0);
  RowRange prompt;  // of the sequence before
  for (std::size_t index = 0; index < sequences.size(); ++index) {
    const TrainingSequence& sequence = sequences[index];
    check_target(sequence);
    const bool shares = index > 0 && share_prompt(sequences[index - 1], sequence);
    const auto begin = static_cast<std::int64_t>(tokens.size());
    const auto first_target = static_cast<std::int64_t>(sequence.first_target);
    if (!shares) {
      prompt = {begin, begin + first_target};
    }
    for (std::size_t place = shares ? sequence.first_target : 0; place < sequence.tokens.size(); ++place) {
      if (place >= sequence.first_target) {
        const bool first = place == sequence.first_target;
        rows.push_back(first ? prompt.end - 1 : static_cast<std::int64_t>(tokens.size()) - 1);
        targets.push_back(sequence.tokens[place]);
      }
      tokens.push_back(sequence.tokens[place]);
      positions.push_back(static_cast<std::int64_t>(place));
    }
    batch.sequences.push_back(
        {.shared = shares ? prompt : RowRange(), .own = {begin, static_cast<std::int64_t>(tokens.size())}});
    batch.target_begins.push_back(targets.size());
  }
  const auto there = [&](const std::vector<std::int64_t>& values) {
    return torch::tensor(values, torch::kInt64).to(device);
  };
  batch.tokens = there(tokens);
  batch.positions = there(positions);
  batch.rows = there(rows);
  batch.targets = there(targets);
  return batch;
}

std::vector<SequenceRange> passes_of(std::span<const TrainingSequence> sequences, std::size_t pass_tokens) {
  std::vector<SequenceRange> passes;
  std::size_t rows = 0;
  for (std::size_t index = 0; index < sequences.size(); ++index) {
    const TrainingSequence& sequence = sequences[index];
    const bool shares = index > 0 && share_prompt(sequences[index - 1], sequence);
    const std::size_t more = sequence.tokens.size() - (shares ? sequence.first_target : 0);
    if (passes.empty() || rows + more > pass_tokens) {
      passes.push_back({index, index});
      rows = sequence.tokens.size();  // in a new pass its prompt is there again
    } else {
      rows += more;
    }
    passes.back().end = index + 1;
  }
  return passes;
}

std::vector<std::size_t> by_prompt(std::span<const std::size_t> chosen, std::span<const TrainingSequence> sequences) {
  std::vector<std::size_t> ordered(chosen.begin(), chosen.end());
  std::ranges::stable_sort(ordered, [&](std::size_t a, std::size_t b) {
    return std::ranges::lexicographical_compare(prompt_of(sequences[a]), prompt_of(sequences[b]));
  });
  return ordered;
}

}  // namespace endorm
