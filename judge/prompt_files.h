#pragma once

#include <string_view>

namespace endorm {

// The files of judge/prompts/, embedded at build: the form is JudgePrompt's.
extern const std::string_view verifier_prompt;
extern const std::string_view pointwise_prompt;
extern const std::string_view pairwise_prompt;
extern const std::string_view pairwise_five_prompt;

}  // namespace endorm
