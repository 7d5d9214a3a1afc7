#pragma once

#include <string_view>

#include "app/server/protocol.h"

namespace endorm {

// What NeMo Gym asks a resources server, whose session here holds nothing: every rollout is verified by itself.

// Before each rollout: any object -> {}, or {"resources_session_id"} where it names one, and a cookie of the session,
// without which an environment server takes it for none.
Asked read_seed_session(const Json& body, const ProtocolContext& context);
// Behind it: {"resources_session_id"} -> the same; any other object -> {"object", "status": "closed", "released":
// true}.
Asked read_close_session(const Json& body, const ProtocolContext& context);
// {"responses_create_params": {"input"}, "response": {"output"}, ..} -> the same and "reward"; with
// ProtocolContext::unscored in its place, and "failure_reason", where the rollout cannot be scored.
Asked read_verify(const Json& body, const ProtocolContext& context);
// {"verify_responses": [..]} -> {"group_level_metrics": [..], "agent_metrics", "key_metrics"}: mean, max, min, median
// and standard deviation of each number of these responses (and of their "usage"), of each task and of all.
Asked read_aggregate_metrics(const Json& body, const ProtocolContext& context);

// A path as the routes have it: clients that observe rollouts send "/ng-rollout/ID/verify" for "/verify", and so of the
// four above. Any other is as it is.
std::string_view without_rollout(std::string_view path);

// What GET /reverify_mode answers: a rollout's record is all that /verify reads.
Json reverify_mode();

}  // namespace endorm
