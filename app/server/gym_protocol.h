#pragma once

#include "app/server/protocol.h"

namespace endorm {

// What NeMo Gym asks a resources server, whose session here holds nothing: every rollout is verified by itself.

// Before each rollout: any object -> {}.
Asked read_seed_session(const Json& body, const ProtocolContext& context);
// Behind it: any object -> {"object", "status": "closed", "released": true}.
Asked read_close_session(const Json& body, const ProtocolContext& context);
// {"responses_create_params": {"input"}, "response": {"output"}, ..} -> the same and "reward"; with
// ProtocolContext::unscored in its place, and "failure_reason", where the rollout cannot be scored.
Asked read_verify(const Json& body, const ProtocolContext& context);
// {"verify_responses": [..]} -> {"group_level_metrics": [..], "agent_metrics", "key_metrics"}: mean, max, min, median
// and standard deviation of each number of these responses (and of their "usage"), of each task and of all.
Asked read_aggregate_metrics(const Json& body, const ProtocolContext& context);

// What GET /reverify_mode answers: a rollout's record is all that /verify reads.
Json reverify_mode();

}  // namespace endorm
