#pragma once

#include "app/server/protocol.h"

namespace endorm {

// What trainers ask a reward URL, read from their sources in 2026.

// OpenRLHF, LightRFT, align-anything: {"query": [prompt + response], "prompts": [..]?, "labels"?} -> {"rewards": [f],
// "scores": [f], "extra_logs": {name: [f]}}. Both texts are in the model's own form; without "prompts", or where a
// query does not hold its prompt, the last answer in the query is the response.
Asked read_get_reward(const Json& body, const ProtocolContext& context);

// slime: {"prompt": text or messages, "response", "label"?} -> a number. A text is in the model's own form.
Asked read_remote_rm(const Json& body, const ProtocolContext& context);

// LLaMA-Factory: {"model"?, "messages": [whole text]} -> {"id", "object", "model", "scores": [f]}.
Asked read_score_evaluation(const Json& body, const ProtocolContext& context);

// NeMo Gym: {"responses_create_params": {"input"}, "response": {"output"}, ..} -> the same and "reward".
Asked read_verify(const Json& body, const ProtocolContext& context);

}  // namespace endorm
