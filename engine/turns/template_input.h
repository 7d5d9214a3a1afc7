#pragma once

#include <string>
#include <vector>

#include "engine/messages.h"
#include "engine/turns/input_marks.h"

class common_json;

namespace endorm {

// In which of two forms a template takes what messages hold.
struct TemplateTakes {
  bool string_content = true;     // a content as a string; otherwise as a list of parts
  bool object_arguments = false;  // arguments of tool calls as objects; otherwise as the text of one
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
