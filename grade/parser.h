#pragma once

#include <string>
#include <string_view>

#include "grade/expression.h"

namespace endorm {

// Why a text is no answer that we read; never leaves grade/.
struct Unreadable {
  std::string reason;
};

// The tree of an answer in the spelling of one_spelling: LaTeX or plain text, as models write it. A tree is never
// deeper than 64 nodes and never has more than 2,000. Throws Unreadable with a reason.
Node parse_answer(std::string_view text);

}  // namespace endorm
