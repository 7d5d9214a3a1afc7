#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace endorm {

// Conversations as data sets hold them, and the same as messages {"role", "content"}.

// A list of strings, at least one.
bool is_texts(const nlohmann::ordered_json& value);

// A list of objects with "role" or "from".
bool is_turns(const nlohmann::ordered_json& value);

// Whether turns_as_messages would change it: turns {"from", "value"}, or one turn in the place of a list.
bool renames_turns(const nlohmann::ordered_json& value);

// Throws InvalidInput, with the name of the list, where a turn's "from" is no speaker that is known or it has no
// "value".
nlohmann::ordered_json turns_as_messages(const nlohmann::ordered_json& turns, std::string_view name);

// [["question", "answer"], ...]
bool is_exchanges(const nlohmann::ordered_json& value);
nlohmann::ordered_json exchanges_as_messages(const nlohmann::ordered_json& exchanges);

// A text that begins with "Human:" and has "Assistant:" at the beginning of a paragraph, as Anthropic's HH has.
bool is_transcript(const nlohmann::ordered_json& value);
// One that ends where the assistant is to speak.
bool is_open_transcript(const nlohmann::ordered_json& value);
nlohmann::ordered_json transcript_as_messages(std::string_view text);

}  // namespace endorm
