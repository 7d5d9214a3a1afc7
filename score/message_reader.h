#pragma once

#include <string>
#include <vector>

#include "engine/messages.h"

namespace endorm {

// Messages of a record, as parse_request describes them. Fields that no message has are appended to unknown_fields, as
// report_unknown does. Throws InvalidInput naming the field and what was found. Json: nlohmann::ordered_json, which no
// header here includes.

// `value` is the list called `field`.
template <typename Json>
std::vector<Message> read_messages(const Json& value, const std::string& field,
                                   std::vector<std::string>& unknown_fields);

// `value` is the object called `name`; prefix: what its unknown fields are called by.
template <typename Json>
Message read_message(const Json& value, const std::string& name, const std::string& prefix,
                     std::vector<std::string>& unknown_fields);

}  // namespace endorm
