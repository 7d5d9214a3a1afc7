#pragma once

#include "app/server/protocol.h"

namespace endorm {

// EndoRM's own. A record as `endorm score` reads it, with "model"?, "options"? and "stream"? beside its fields; or
// {"records": [record, ..]}. The reply is the record's row (docs/records.md), or {"rows": [..]}; a response that cannot
// be scored carries its error and costs the others nothing. With "stream" each row is a line of its own, sent when it
// is there. options: those that the table of RewardOptions allows in requests, and "text": "model" (the chat template
// is applied) or "raw" (prompt, a text, and responses are in the model's own form). Any other option is refused.
Asked read_rewards(const Json& body, const ProtocolContext& context);

}  // namespace endorm
