#include "judge/respondent.h"

#include "judge/judge_prompt.h"

namespace endorm {

std::string asking_fingerprint(std::string_view prompt_file, const Respondent& respondent, const std::string& rules) {
  return JudgePrompt(prompt_file).fingerprint() + " max_reply_tokens=" + std::to_string(respondent.reply_tokens()) +
         rules + respondent.fingerprint();
}

std::function<std::optional<AskingAccount>()> account_of(const Respondent& respondent) {
  return [&respondent] { return respondent.account(); };
}

}  // namespace endorm
