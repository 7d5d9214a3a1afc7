#pragma once

#include "app/server/protocol.h"

namespace endorm {

// What trainers ask a reward URL, read from their sources in 2026.

// OpenRLHF: {"query": [prompt + response], "prompts": [..]?, "labels"?}; LightRFT: the same with "queries",
// "references"? and "images"?, which may have none. Both texts are in the model's own form; without "prompts", or
// where a query does not hold its prompt, the last answer in the query is the response. align-anything: {"prompts",
// "responses"}, as people wrote them. -> {"rewards": [f], "scores": [f], "extra_logs": {name: [f]}, "errors"?}; a row
// that cannot be scored has ProtocolContext::unscored, or null.
Asked read_get_reward(const Json& body, const ProtocolContext& context);

// slime: {"prompt": text or messages, "response", "label"?} -> a number. A text is in the model's own form.
Asked read_remote_rm(const Json& body, const ProtocolContext& context);

// LLaMA-Factory: {"model"?, "messages": [whole text]} -> {"id", "object", "model", "scores": [f]}. A text that cannot
// be cut or scored has ProtocolContext::unscored, or NaN, which its client reads where it reads no null.
Asked read_score_evaluation(const Json& body, const ProtocolContext& context);

}  // namespace endorm
