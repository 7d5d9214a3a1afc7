#include "engine/remote/remote_dialects.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/message_json.h"

namespace endorm {
namespace {

using nlohmann::json;

std::string body_of(const json& body) {
  try {
    return body.dump();
  } catch (const json::type_error&) {
    throw InvalidInput("[remote tokenize] a message or response is not valid UTF-8. Convert it to UTF-8.");
  }
}

// What the template reads beside the messages, as the server takes it.
void put_arguments(const std::string& arguments, json& body) {
  if (arguments.empty()) {
    return;
  }
  json others = json::parse(arguments);
  if (others.contains("tools")) {
    body["tools"] = others["tools"];
    others.erase("tools");
  }
  if (!others.empty()) {
    body["chat_template_kwargs"] = std::move(others);
  }
}

// generation_prompt: of a rendering whose turns are closed, which says so either way.
json conversation(TurnRendering rendering, const std::string& model, std::span<const Message> messages,
                  const std::string& arguments, bool generation_prompt) {
  json body = {{"model", model}, {"messages", message_list<json>(messages)}};
  put_arguments(arguments, body);
  if (rendering == TurnRendering::kClosed) {
    body["add_generation_prompt"] = generation_prompt;
    body["add_special_tokens"] = false;
  }
  return body;
}

RemoteCall tokenize_call(RemoteDialect dialect, json body) {
  if (dialect == RemoteDialect::kSglang) {
    return {"/v1/tokenize", body_of(body)};
  }
  body["return_token_strs"] = true;
  return {"/tokenize", body_of(body)};
}

}  // namespace

std::string_view remote_dialect_name(RemoteDialect dialect) {
  return dialect == RemoteDialect::kVllm ? "vllm" : "sglang";
}

RemoteCall tokenize_prompt_call(RemoteDialect dialect, TurnRendering rendering, const std::string& model,
                                std::span<const Message> messages, const std::string& arguments) {
  return tokenize_call(dialect, conversation(rendering, model, messages, arguments, true));
}

RemoteCall tokenize_turn_call(RemoteDialect dialect, TurnRendering rendering, const std::string& model,
                              std::span<const Message> messages, const std::string& response,
                              const std::string& arguments) {
  json body = conversation(rendering, model, messages, arguments, false);
  body["messages"].push_back({{"role", "assistant"}, {"content", response}});
  if (rendering == TurnRendering::kOpen) {
    // Without this field SGLang turns the assistant's message into a user's.
    body["continue_final_message"] = true;
  }
  return tokenize_call(dialect, std::move(body));
}

RemoteCall tokenize_text_call(RemoteDialect dialect, const std::string& model, const std::string& text) {
  return tokenize_call(dialect, {{"model", model}, {"prompt", text}, {"add_special_tokens", false}});
}

RemoteCall detokenize_call(RemoteDialect dialect, const std::string& model, std::span<const Tokens> sequences) {
  if (dialect == RemoteDialect::kSglang) {
    json lists = json::array();
    for (const Tokens& sequence : sequences) {
      lists.push_back(sequence);
    }
    return {"/v1/detokenize", body_of({{"model", model}, {"tokens", lists}, {"skip_special_tokens", false}})};
  }
  if (sequences.size() != 1) {
    throw InternalError("[detokenize_call] vLLM takes one sequence a call, not " + std::to_string(sequences.size()) +
                        ".");
  }
  return {"/detokenize", body_of({{"model", model}, {"tokens", sequences[0]}})};
}

RemoteCall log_probs_call(RemoteDialect dialect, const std::string& model, std::span<const Token> tokens,
                          std::size_t first) {
  if (first == 0 || first >= tokens.size()) {
    throw InternalError("[log_probs_call] the first scored position " + std::to_string(first) + " is not inside 1 to " +
                        std::to_string(tokens.size()) + " - 1.");
  }
  const Tokens ids(tokens.begin(), tokens.end());
  if (dialect == RemoteDialect::kSglang) {
    // The entry at logprob_start_len itself is null: its state is not computed. So the list starts one earlier.
    return {"/generate", body_of({{"input_ids", ids},
                                  {"sampling_params", {{"max_new_tokens", 1}, {"temperature", 1.0}}},
                                  {"return_logprob", true},
                                  {"logprob_start_len", first - 1},
                                  {"top_logprobs_num", 0},
                                  {"stream", false}})};
  }
  return {"/v1/completions", body_of({{"model", model},
                                      {"prompt", ids},
                                      {"max_tokens", 1},
                                      {"prompt_logprobs", 0},
                                      {"temperature", 1.0},
                                      {"top_p", 1.0},
                                      {"repetition_penalty", 1.0},
                                      {"stream", false}})};
}

}  // namespace endorm
