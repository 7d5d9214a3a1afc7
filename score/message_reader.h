#pragma once

#include <string>
#include <vector>

#include "engine/messages.h"
#include "score/json_field.h"

namespace endorm {

// Messages of a record, as parse_request describes them. Fields that no message has are noted in unknown_fields. Throws
// InvalidInput naming the field and what was found.
std::vector<Message> read_messages(const JsonField& list, std::vector<std::string>& unknown_fields);

// prefix: what the unknown fields of the message are called by.
Message read_message(const JsonField& object, const std::string& prefix, std::vector<std::string>& unknown_fields);

}  // namespace endorm
