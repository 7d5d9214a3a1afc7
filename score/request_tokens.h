#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "score/record.h"
#include "score/scored.h"

namespace endorm {

// What happens to a response whose sequence is longer than the context.
enum class Overflow { kError, kTruncateLeft, kSkip };

// "error", "truncate-left", "skip".
std::string_view overflow_name(Overflow overflow);
Overflow overflow_from_name(std::string_view name);  // throws InvalidInput, listing the names

// One response of a request, ready for the model.
struct PreparedResponse {
  std::size_t response = 0;  // its place in the request
  TokenizedResponse tokens;
  std::size_t truncated_left = 0;  // prompt tokens dropped to fit the context
};

struct PreparedRequest {
  std::vector<PreparedResponse> responses;
  std::size_t tokens_asked = 0;  // of prompts and responses, those that do not fit included
};

// The responses of a request as tokens that fit the engine's context. One that is empty, cannot be tokenized or does
// not fit is left out, and its outcome [responses] says why.
PreparedRequest prepare_request(const Engine& engine, const Request& request, const TemplateOptions& text,
                                Overflow overflow, std::span<ScoredOutcome> outcomes);

}  // namespace endorm
