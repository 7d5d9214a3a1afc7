#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/messages.h"
#include "engine/turns/text_parts.h"

namespace endorm {

// Divides the answers in PromptForm::turn_text.
inline constexpr char kNextAnswer = '\0';

// A reasoning block that the generation prompt has opened for the model.
struct OpenBlock {
  std::string opener;  // as the prompt ends: "<think>\n"
  std::string closer;  // "</think>"
};

// A conversation, ready for its next answer.
struct Turn {
  std::vector<TextPart> prompt;    // all that stands before what the model writes
  std::string before;              // white space that this form puts before a text that does not begin with its own
  std::vector<TextPart> after;     // behind a finished answer: the token that ends a turn, and what the template adds
  std::optional<OpenBlock> block;  // what the prompt has left open
  // What stands before the content of a finished turn, where that is neither the prompt nor the prompt and what a model
  // need not write; and the part of it that an answer must have (a channel's header), empty where there is none.
  std::optional<std::vector<TextPart>> finished;
  std::string header;
  ResponseContext context = ResponseContext::kAsDrawn;  // kContinued where the prompt ends within a turn
  std::vector<std::string> starts;                      // the tags that a model's turn may begin with
  std::string behind_name;  // where a tool call begins with the name of its function: what stands behind it
  std::string next;         // what stands behind `after` before the words of a user's next turn
};

// What a template is known to write in any model's turn. Empty where not known.
struct TurnHabits {
  std::string reasoning_end;        // between reasoning and an answer
  std::vector<std::string> starts;  // Turn::starts
  std::string behind_name;          // Turn::behind_name
  std::string next;                 // Turn::next
};

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

// The turn whose prompt and finished form (a template's rendering up to the content of an answer, and from there) these
// are.
Turn make_turn(std::vector<TextPart> prompt, std::vector<TextPart> finished, std::vector<TextPart> after,
               const TurnHabits& habits);

// A response in its turn.
struct PlacedResponse {
  std::vector<TextPart> prompt;
  std::vector<TextPart> response;
  std::vector<TextPart> after;
  bool is_message = false;      // it is not the given text, but what the template made of a message
  bool whole_after = false;     // what stands in `after` before the token that ends the turn is the response's, too
  std::string next = {};        // Turn::next: where `after` holds no token that ends a turn, one of these does
  std::size_t text_begin = 0;   // of response: what stands before was not given (Turn::before)
  std::size_t text_offset = 0;  // of the given text, where `response` has its first byte: the prompt wrote what is
                                // before
  ResponseContext context = ResponseContext::kAsDrawn;
};

// Where a text stands in its turn, by the rules of docs/turns.md.
PlacedResponse place_response(const Turn& turn, const ResponseText& response, ResponseReading reading);

}  // namespace endorm
