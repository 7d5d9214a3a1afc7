#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace endorm {

inline constexpr std::string_view kMathInstruction =
    "Please reason step by step, and put your final answer within \\boxed{}.";

// Where the instruction stands: on a line of its own behind each question, or as the system message.
enum class InstructionPlace { kUser, kSystem };

// A question with its answer, shown to the model before the one that is asked.
struct WorkedExample {
  std::string question;
  std::string answer;
};

// How a problem is put to a model. Everything here changes the numbers.
struct MathPrompt {
  std::string instruction{kMathInstruction};  // empty: none
  InstructionPlace place = InstructionPlace::kUser;
  std::vector<WorkedExample> shots;
  // The model writes behind "Answer:" (the template "plain"): the space with which it begins belongs to the form, and
  // is left out of a sample's text.
  bool base = false;
};

// The conversation that ends with the question: the instruction, the worked examples as earlier turns, the question.
std::vector<Message> math_messages(const MathPrompt& prompt, std::string_view question);

// sha256 over all of a prompt.
std::string math_prompt_hash(const MathPrompt& prompt);

// The {"question", "answer"} rows of a .json or .jsonl file. Throws InvalidInput naming the row that is none.
std::vector<WorkedExample> read_worked_examples(const std::string& path);

}  // namespace endorm
