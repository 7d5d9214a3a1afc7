#pragma once

#include "app/server/protocol.h"

namespace endorm {

// A rollout in the form of OpenAI's responses interface, {"responses_create_params": {"input", "instructions"?,
// "tools"?}, "response": {"output"}}, as a conversation: what the model wrote last is the response, and what it wrote
// and was told before stands in the prompt. Items are messages, reasoning, function calls and what those gave. Throws
// InvalidInput naming the item.
Request rollout_request(const Json& body);

}  // namespace endorm
