#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/token_tree.h"

namespace endorm {

struct InputLine;

// One sequence to learn from: its targets are tokens[first_target ..], each given all tokens before it.
struct TrainingSequence {
  Tokens tokens;
  std::size_t first_target = 1;  // at least 1: nothing comes before the first token

  std::size_t targets() const { return tokens.size() - first_target; }
};

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
TrainingData read_training_data(const std::string& path, const Engine& engine, const TemplateOptions& text,
                                std::size_t max_tokens, bool every_turn);

// Hands each line of a file of JSON lines to `use`; one that it refuses (InvalidInput), or that cannot be read, is left
// out. Returns those. Throws InvalidInput where the file cannot be opened.
std::vector<LeftOutLine> use_lines(const std::string& path, const std::function<void(const InputLine&)>& use);

// Why nothing of a file can be used: ": it is empty", or the first line that was left out and its reason.
std::string why_none_is_left(const std::vector<LeftOutLine>& left_out);

// The order of one pass over `count` sequences: a shuffle of seed and epoch alone, so that a resumed run goes on with
// what it has not seen.
std::vector<std::size_t> epoch_order(std::size_t count, std::uint64_t seed, std::size_t epoch);

// A walk through `count` things again and again, each epoch in its own order.
class EpochWalk {
 public:
  EpochWalk(std::size_t count, std::uint64_t seed) : count_(count), seed_(seed) {}

  // Which of them comes at a place of the walk, from 0. Neighbouring places are cheap.
  std::size_t at(std::size_t place);

 private:
  std::size_t count_;
  std::uint64_t seed_;
  std::optional<std::size_t> epoch_;  // whose order this is
  std::vector<std::size_t> order_;
};

}  // namespace endorm
