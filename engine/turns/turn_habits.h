#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/messages.h"
#include "engine/turns/turn.h"

namespace endorm {

// Stands for the content of an answer where a rendering shows what is around it.
inline constexpr std::string_view kAnswerProbe = "EndoRMresponse";

// A template's rendering of a conversation. Throws InvalidInput where it refuses that.
using RenderConversation = std::function<std::vector<TextPart>(
    const std::vector<Message>& messages, const TemplateOptions& options, bool add_generation_prompt)>;

struct LearntTurns {
  std::string turn_text;  // PromptForm::turn_text
  TurnHabits habits;
};

// What the template writes in a model's turn: learnt from answers, reasoning and tool calls made up for it, with
// reasoning asked for and not.
LearntTurns learn_turns(const RenderConversation& render);

}  // namespace endorm
