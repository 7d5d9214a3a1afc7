#pragma once

#include "score/record.h"
#include "score/scored.h"

namespace endorm {

// A request's record with an outcome for each response, none of them scored yet.
Scored record_of(const Request& request);

// A response that a judge reads no tokens of, at this reward.
ScoredResponse unread_response(const RequestResponse& response, double reward);

}  // namespace endorm
