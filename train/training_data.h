#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "train/training_sequence.h"

namespace endorm {

// A line of the data that is not learnt from, and why.
struct LeftOutLine {
  std::string file;      // its name
  std::size_t line = 0;  // 1-based
  std::string reason;
};

struct TrainingData {
  std::vector<TrainingSequence> sequences;
  std::vector<LeftOutLine> left_out;
  std::size_t target_tokens = 0;
  std::string sha256;  // of what is learnt from: the sequences in their order
};

// Reads records (docs/records.md): prompt and response, messages that end with an assistant's turn, or several
// responses, each a sequence of its own (of a pair, the chosen one alone). With every_turn the earlier turns of the
// assistant are learnt too, each behind what came before it. Prompt and response are tokenized as the scorer does; a
// response that was not truncated ends with the end of its turn, which is learnt. What is longer than max_tokens is
// left out, never cut. Throws InvalidInput where the file cannot be read or nothing is left.
TrainingData read_training_data(const std::string& path, const Engine& engine, std::size_t max_tokens, bool every_turn);

// The order of one pass over `count` sequences: a shuffle of seed and epoch alone, so that a resumed run goes on with
// what it has not seen.
std::vector<std::size_t> epoch_order(std::size_t count, std::uint64_t seed, std::size_t epoch);

}  // namespace endorm
