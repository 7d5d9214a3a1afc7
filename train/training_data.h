#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/token_tree.h"

namespace endorm {

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

// A prompt that the policy answers, and the answer that is right.
struct RlProblem {
  std::string question;  // the last user's turn, as people read it
  Tokens prompt;         // [P], the model's own turn begun
  std::string answer;    // empty where the data have none
};

struct RlProblems {
  std::vector<RlProblem> problems;
  std::vector<LeftOutLine> left_out;
  std::string sha256;  // of prompts and answers in their order
};

// Reads JSON lines: "prompt" (a string or messages) or "messages", perhaps "system", "id" and "answer" (a string or a
// number); responses that a line has are not read. Prompts of more than max_prompt_tokens are left out, and so is a
// line without an answer where needs_answer is set. Throws InvalidInput where the file cannot be read or nothing is
// left.
RlProblems read_rl_problems(const std::string& path, const Engine& engine, const TemplateOptions& text,
                            std::size_t max_prompt_tokens, bool needs_answer);

// The order of one pass over `count` sequences: a shuffle of seed and epoch alone, so that a resumed run goes on with
// what it has not seen.
std::vector<std::size_t> epoch_order(std::size_t count, std::uint64_t seed, std::size_t epoch);

// A walk through `count` things again and again, each epoch in its own order.
class EpochWalk {
 public:
  EpochWalk(std::size_t count, std::uint64_t seed) : count_(count), seed_(seed) {}

  // Those of `all` that come at a step of `count` each, from 0. Neighbouring steps are cheap.
  template <typename One>
  std::vector<One> of_step(std::span<const One> all, std::size_t count, std::size_t step) {
    std::vector<One> found;
    for (std::size_t index = 0; index < count; ++index) {
      found.push_back(all[at(step * count + index)]);
    }
    return found;
  }

 private:
  std::size_t at(std::size_t place);

  std::size_t count_;
  std::uint64_t seed_;
  std::optional<std::size_t> epoch_;  // whose order this is
  std::vector<std::size_t> order_;
};

}  // namespace endorm
