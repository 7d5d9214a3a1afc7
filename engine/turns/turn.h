#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/messages.h"

namespace endorm {

// A piece of rendered text.
struct TextPart {
  enum class Kind {
    kTemplate,  // written by the template, or raw text: special tokens spelled out in it are special tokens
    kInput,     // came from a message: text and nothing else, a special token spelled out in it stays text
    kResponse,  // a response: as kInput, but for the special tokens that the template writes within a model's turn
  };

  std::string text;
  Kind kind = Kind::kTemplate;
};

// The texts of parts, one behind the other.
std::string joined(std::span<const TextPart> parts);
// The parts of bytes [begin, end) of the joined text.
std::vector<TextPart> slice(std::span<const TextPart> parts, std::size_t begin, std::size_t end);

// What of it came from messages.
std::string input_text(std::span<const TextPart> parts);
std::string_view stripped(std::string_view text);
// What the template wrote behind the last word of a message.
std::string tail_of(std::span<const TextPart> parts);
// How many bytes two texts share at their beginning, no tag ("<a>", "[a]") cut in two.
std::size_t shared_beginning(std::string_view a, std::string_view b);
// The tag that a text begins with; empty where it begins with none.
std::string first_tag(std::string_view text);
// What a text says behind its last reasoning block that is closed.
std::string_view behind_reasoning(std::string_view text);
// The tags that open and close the reasoning blocks of a text, closed or not.
std::string reasoning_marks(std::string_view text);
// Bytes of the tag of a reasoning block that a text begins with, 0 where it begins with none.
std::size_t reasoning_tag_size(std::string_view text);

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
