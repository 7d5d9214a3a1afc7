#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/turns/text_parts.h"

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

}  // namespace endorm
