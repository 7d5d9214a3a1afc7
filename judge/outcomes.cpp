#include "judge/outcomes.h"

namespace endorm {

Scored record_of(const Request& request) {
  return {request.id, request.line, request.key, std::vector<ScoredOutcome>(request.responses.size())};
}

ScoredResponse unread_response(const RequestResponse& response, double reward) {
  ScoredResponse scored;
  scored.reward = reward;
  scored.finish = response.text.truncated ? Finish::kTruncated : Finish::kEndOfTurn;
  return scored;
}

}  // namespace endorm
