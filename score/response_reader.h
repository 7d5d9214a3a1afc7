#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "score/json_field.h"
#include "score/record.h"

namespace endorm {

// What parse_request is given beside the line.
struct RecordReading {
  std::string_view step_separator;
  std::span<const GivenList> given;
  std::vector<std::string>& unknown_fields;
  bool truncated_is_given = false;  // beside the responses
};

// Responses of a record, as parse_request describes them. These throw InvalidInput naming the field and what was found.

// A string, {"text" and/or "steps", "truncated"?}, {"ids", "mask"?}, a message of the assistant or a list of one.
RequestResponse read_response(const JsonField& field, const RecordReading& reading);

// A list of strings that are one response.
RequestResponse join_steps(const JsonField& steps, std::string_view separator);

// The last turn of a conversation, called `field`, which must be the assistant's; it is removed.
RequestResponse take_answer(std::vector<Message>& conversation, const std::string& field);

}  // namespace endorm
