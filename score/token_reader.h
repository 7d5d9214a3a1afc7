#pragma once

#include <span>
#include <string>
#include <vector>

#include "score/record.h"

namespace endorm {

// Tokens of a record, as parse_request describes them; lists: those beside the line, for which {"given": n} stands.
// Throws InvalidInput naming the field and what was found. Json: nlohmann::ordered_json, which no header here includes.

// Token ids [T] of the value called `field`.
template <typename Json>
Tokens ids_of(const Json& value, const std::string& field, std::span<const GivenList> lists);

// A response that is tokens; what is wrong with them is its own fault alone. mask: null where there is none.
template <typename Json>
RequestResponse read_tokens(const Json& ids, const std::string& field, const Json* mask, const std::string& mask_field,
                            std::span<const GivenList> lists);

// "response_ids" and "response_mask": one list of ids, or a list of such lists; the masks likewise.
template <typename Json>
std::vector<RequestResponse> read_response_ids(const Json& ids, const Json* mask, std::span<const GivenList> lists);

}  // namespace endorm
