#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/messages.h"
#include "engine/turns/text_parts.h"

class common_json;

namespace endorm {

// What came from messages stands in a rendering as text, whatever it spells. The interpreter forgets where text came
// from in some filters (tojson, join, split). Then the same messages are rendered once more with marks in them: where a
// mark comes out, the character before it came from a message.
struct InputMarks {
  bool spare_reasoning = false;  // no mark within the tags of reasoning blocks, which templates look for
  bool at_ends = false;          // also behind the first and the last character, so that plain words are found, too
};

// How often `part`, which is not empty, stands in a text.
std::size_t occurrences(std::string_view text, std::string_view part);

// Does a text hold a character that a special token may begin with?
bool may_spell_special(std::string_view text);

// The text with a mark behind each character that a special token may begin with.
std::string with_marks(std::string_view text, const InputMarks& marks);

// The parts of a rendering, with what `marked`, the rendering of marked messages, shows to come from messages. None
// where that is not the same text but for marks: the template has looked at the marked words.
std::optional<std::vector<TextPart>> take_marks(std::span<const TextPart> parts, std::string_view marked);

// The parts, in which each of the texts is input wherever it stands, unless all that are expected are input already.
std::vector<TextPart> with_texts_marked(std::vector<TextPart> parts, std::span<const std::string> texts);

// Does no word of the texts that may spell a special token stand in what the template wrote?
bool all_marked(std::span<const TextPart> parts, std::span<const std::string> texts);

// In which of two forms a template takes what messages hold.
struct TemplateTakes {
  bool string_content = true;     // a content as a string; otherwise as a list of parts
  bool object_arguments = false;  // arguments of tool calls as objects; otherwise as the text of one
  bool image_parts = false;       // an image as a part of the content; otherwise as kMediumText in its text
  bool audio_parts = false;
};

// What a template reads of a conversation: {"messages", "tools"?, ...}. Throws InvalidInput where the arguments of the
// options hold what is set for every turn.
common_json template_input(const std::vector<Message>& messages, const TemplateOptions& options,
                           const TemplateTakes& takes);

// Gives messages without content an empty one, which templates take that know of no absence. False where all have some.
bool fill_contents(common_json& messages);

// Appends all strings of a JSON value, names of an object's members included.
void add_texts(const common_json& value, std::vector<std::string>& texts);

// The value with marks in all of its strings.
common_json marked_json(const common_json& value, const InputMarks& marks);

// A message with marks in what is said in it; not in its role and in the names and ids of calls, which templates check.
common_json marked_message(const common_json& message, const InputMarks& marks);

}  // namespace endorm
