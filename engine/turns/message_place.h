#pragma once

#include <span>

#include "engine/messages.h"
#include "engine/turns/template_renderer.h"
#include "engine/turns/turn.h"

namespace endorm {

// A response that is a message of its own (tool calls, reasoning apart from the answer), where the template writes it.
// plain: the turn that an answer to the messages is. Throws InvalidInput where the template leaves a part of it out, or
// writes the conversation anew when it follows.
PlacedResponse place_message(const TemplateRenderer& renderer, const Turn& plain, std::span<const Message> messages,
                             const ResponseText& response, const TemplateOptions& options);

}  // namespace endorm
