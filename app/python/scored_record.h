#pragma once

#include <memory>

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

// The Python object endorm.Scored.
nanobind::object python_scored(std::shared_ptr<const ScoredRecord> record);

}  // namespace endorm
