#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "judge/judge.h"
#include "judge/respondent.h"

namespace endorm {

// The model of parts.engine, which must outlive it; all replies of a call are drawn together. A reply has at most
// parts.max_reply_tokens, or else as many as its form needs. A question that, with its reply, does not fit the context
// is an error of its own and never cut, kTruncateLeft or not. Throws InvalidInput where the engine cannot write;
// `judge` is named in the message.
std::unique_ptr<Respondent> engine_respondent(const JudgeParts& parts, std::string_view judge,
                                              std::size_t reply_tokens);

}  // namespace endorm
