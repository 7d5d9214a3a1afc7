#pragma once

#include <optional>
#include <span>
#include <vector>

#include "score/json_field.h"
#include "score/record.h"

namespace endorm {

// Tokens of a record, as parse_request describes them; lists: those beside the line, for which {"given": n} stands.
// Throws InvalidInput naming the field and what was found.

// Token ids [T], at least one.
Tokens read_token_ids(const JsonField& field, std::span<const GivenList> lists = {});

// A response that is tokens; what is wrong with them is its own fault alone.
RequestResponse read_tokens(const JsonField& ids, const std::optional<JsonField>& mask,
                            std::span<const GivenList> lists);

// "response_ids" and "response_mask": one list of ids, or a list of such lists; the masks likewise.
std::vector<RequestResponse> read_response_ids(const JsonField& ids, const std::optional<JsonField>& mask,
                                               std::span<const GivenList> lists);

}  // namespace endorm
