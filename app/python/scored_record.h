#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/token_tree.h"
#include "score/record.h"
#include "score/scored.h"
#include "score/scored_json.h"

namespace nanobind {
class object;
}

namespace endorm {

// A record, scored, as Python sees it.
struct ScoredRecord {
  Request request;
  Scored scored;
  bool keeps_tokens = false;  // ScoredResponse::tokens and token_texts; token_ids are always there
  RowOptions row;
};

// [T] of each token its place in ScoredResponse::turns; none where those are empty.
std::optional<Tokens> token_turns(const ScoredResponse& response);
// [steps] likewise of each step.
std::optional<std::vector<std::size_t>> step_turns(const ScoredResponse& response);
// [T] where each token stands in the ids that were given, -1 for those of turns of the prompt; none where text was
// given.
std::optional<Tokens> token_places(const RequestResponse& given, const ScoredResponse& response);

// The Python object endorm.Scored.
nanobind::object python_scored(std::shared_ptr<const ScoredRecord> record);

}  // namespace endorm
