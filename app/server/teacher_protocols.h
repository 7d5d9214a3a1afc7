#pragma once

#include "app/server/completions.h"

namespace endorm {

// What trainers of students ask a teacher: log pi of each token of a text that a student wrote, in token ids. Nothing
// is drawn but what a protocol cannot leave out.

// SGLang's /generate, of slime: {"input_ids": ids or lists of them, or "text", "sampling_params": {"max_new_tokens":
// 0}, "return_logprob", "logprob_start_len"?, "top_logprobs_num"?, "return_text_in_logprobs"?} -> {"text", "meta_info":
// {"input_token_logprobs": [[log pi or null, id, text or null], ..], ..}}, a list of these where a list was asked.
CompletionsRequest read_generate(const Json& body, const ProtocolContext& context);

// vLLM's /inference/v1/generate, of prime-rl: {"token_ids", "sampling_params": {"max_tokens", "temperature", "top_p",
// "prompt_logprobs"}} -> {"request_id", "choices": [{"token_ids", ..}], "prompt_logprobs"}.
CompletionsRequest read_inference_generate(const Json& body, const ProtocolContext& context);

// TRL's /get_sequence_logprobs/: {"sequences", "prompt_lengths", "top_logprobs"?, "temperature"?, "response_format"?:
// "json" | "binary"} -> the likeliest tokens of each place behind the prompts, and the token there.
CompletionsRequest read_sequence_log_probs(const Json& body, const ProtocolContext& context);

// A route of completions, and of what is one by another name.
struct CompletionsRoute {
  const char* path;
  CompletionsRequest (*read)(const Json& body, const ProtocolContext& context);
};
std::span<const CompletionsRoute> completions_routes();

}  // namespace endorm
