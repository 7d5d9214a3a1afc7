#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/messages.h"
#include "engine/token_tree.h"

namespace endorm {

enum class Finish { kEndOfTurn, kTruncated };

// Prompt and response as tokens. The state before response[0] is the whole prompt.
struct TokenizedResponse {
  Tokens prompt;    // [P], begins with BOS exactly once where the model wants one
  Tokens response;  // [T]
  Finish finish = Finish::kTruncated;
  bool boundary_split = false;  // tokens would have merged across the boundary; the response was tokenized alone
  bool spelled_end = false;     // its text ended with the spelling of the token that ended its turn
  ResponseContext context = ResponseContext::kAsDrawn;
  // [T] where each response token begins in `text`, or where that is empty in ResponseText::text; its size for tokens
  // that the template added after it.
  std::vector<std::size_t> byte_offsets;
  // What the prompt's tokens below zero stand for: alive as long as these.
  std::vector<std::shared_ptr<const Medium>> media = {};
  std::string text = {};  // what the response spells, where that is not ResponseText::text
};

}  // namespace endorm
