#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/text_form.h"
#include "train/training_data.h"

namespace endorm {

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

}  // namespace endorm
