#include "engine/remote/remote_dialects.h"

#include <array>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/message_json.h"

namespace endorm {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, RemoteDialect>, 3> kDialects = {{
    {"vllm", RemoteDialect::kVllm},
    {"sglang", RemoteDialect::kSglang},
    {"llama_server", RemoteDialect::kLlamaServer},
}};

// A log-softmax computed in 16 or 32 bits may come out above 0 by its rounding.
constexpr double kRounding = 1e-3;
// vLLM writes this for minus infinity, newer versions also for NaN (clamp_prompt_logprobs in its sources).
constexpr double kVllmFloor = -9999.0;
constexpr std::size_t kExcerpt = 300;  // bytes of a reply quoted in a message

// The beginning of a text, made valid UTF-8: it ends in messages that go into JSON.
std::string excerpt(std::string_view text) {
  const json cut = std::string(text.substr(0, kExcerpt));
  const std::string valid = json::parse(cut.dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
  return text.size() <= kExcerpt ? valid : valid + "...";
}

[[noreturn]] void refuse(std::string_view function, const std::string& fact, std::string_view reply) {
  throw EngineError("[" + std::string(function) + "] " + fact + " in the server's answer " + excerpt(reply) +
                    ". Check that the dialect fits the server and that the server is up to date.");
}

// The members of a reply, each checked for being there and of its type.
class Reply {
 public:
  Reply(std::string_view function, std::string_view text)
      : function_(function), text_(text), root_(json::parse(text, nullptr, false)) {
    if (!root_.is_object()) {
      refuse(function_, "no JSON object", text_);
    }
  }

  const json& root() const { return root_; }

  const json& array(const json& parent, const char* name) const {
    const json& value = member(parent, name);
    if (!value.is_array()) {
      refuse("the field " + std::string(name) + " is not an array");
    }
    return value;
  }

  const json& object(const json& parent, const char* name) const {
    const json& value = member(parent, name);
    if (!value.is_object()) {
      refuse("the field " + std::string(name) + " is not an object");
    }
    return value;
  }

  Token token(const json& value) const {
    if (!value.is_number_integer() || value < 0 || value > std::numeric_limits<Token>::max()) {
      refuse("the token " + value.dump(-1, ' ', false, json::error_handler_t::replace) + " is not a token number");
    }
    return value.get<Token>();
  }

  std::string text(const json& value, const char* name) const {
    if (!value.is_string()) {
      refuse("the field " + std::string(name) + " is not text");
    }
    return value.get<std::string>();
  }

  double log_prob(const json& value, std::size_t position) const {
    const std::string at = "the log-probability of position " + std::to_string(position);
    if (!value.is_number()) {
      refuse(at + " is " + value.dump(-1, ' ', false, json::error_handler_t::replace) + ", not a number,");
    }
    const double log_prob = value.get<double>();
    if (!(log_prob <= kRounding)) {
      refuse(at + " is " + std::to_string(log_prob) + ", which no log-probability can be,");
    }
    return log_prob;
  }

  const json& member(const json& parent, const char* name) const {
    if (!parent.is_object() || !parent.contains(name)) {
      refuse("the field " + std::string(name) + " is missing");
    }
    return parent.at(name);
  }

  [[noreturn]] void refuse(std::string_view function, const std::string& fact, std::string_view reply) const {
    endorm::refuse(function, fact, reply);
  }
  [[noreturn]] void refuse(const std::string& fact) const { refuse(function_, fact, text_); }

 private:
  std::string_view function_;
  std::string_view text_;
  json root_;
};

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

[[noreturn]] void not_spoken(const char* function, RemoteDialect dialect) {
  throw InternalError("[" + std::string(function) + "] the dialect " + std::string(remote_dialect_name(dialect)) +
                      " has no such call.");
}

RemoteCall tokenize_call(const char* function, RemoteDialect dialect, json body) {
  switch (dialect) {
    case RemoteDialect::kVllm:
      body["return_token_strs"] = true;
      return {"/tokenize", body_of(body)};
    case RemoteDialect::kSglang:
      return {"/v1/tokenize", body_of(body)};
    case RemoteDialect::kLlamaServer:
      break;
  }
  not_spoken(function, dialect);
}

}  // namespace

std::string_view remote_dialect_name(RemoteDialect dialect) {
  for (const auto& [name, value] : kDialects) {
    if (value == dialect) {
      return name;
    }
  }
  throw InternalError("[remote_dialect_name] dialect " + std::to_string(static_cast<int>(dialect)) + " has no name.");
}

RemoteDialect remote_dialect_from_name(std::string_view name) {
  for (const auto& [known, value] : kDialects) {
    if (known == name) {
      return value;
    }
  }
  throw InvalidInput("[remote_dialect_from_name] \"" + std::string(name) +
                     "\" is no dialect. Use vllm, sglang or llama_server.");
}

RemoteModelInfo parse_models(std::string_view text, std::string_view wanted) {
  const Reply reply("parse_models", text);
  std::string listed;
  for (const json& entry : reply.array(reply.root(), "data")) {
    RemoteModelInfo model;
    model.id = reply.text(reply.member(entry, "id"), "id");
    if (wanted.empty() || model.id == wanted) {
      if (entry.contains("root") && entry.at("root").is_string()) {
        model.root = entry.at("root").get<std::string>();
      }
      if (entry.contains("max_model_len") && entry.at("max_model_len").is_number_unsigned()) {
        model.context = entry.at("max_model_len").get<std::size_t>();
      }
      return model;
    }
    listed += (listed.empty() ? "" : ", ") + model.id;
  }
  throw EngineError("[parse_models] the server does not list the model \"" + std::string(wanted) +
                    "\". It lists: " + (listed.empty() ? std::string("none") : listed) + ".");
}

RemoteCall tokenize_prompt_call(RemoteDialect dialect, TurnRendering rendering, const std::string& model,
                                std::span<const Message> messages, const std::string& arguments) {
  json body = {{"model", model}, {"messages", message_list<json>(messages)}};
  put_arguments(arguments, body);
  if (rendering == TurnRendering::kClosed) {
    body["add_generation_prompt"] = true;
    body["add_special_tokens"] = false;
  }
  return tokenize_call("tokenize_prompt_call", dialect, std::move(body));
}

RemoteCall tokenize_turn_call(RemoteDialect dialect, TurnRendering rendering, const std::string& model,
                              std::span<const Message> messages, const std::string& response,
                              const std::string& arguments) {
  json body = {{"model", model}, {"messages", message_list<json>(messages)}};
  put_arguments(arguments, body);
  body["messages"].push_back({{"role", "assistant"}, {"content", response}});
  if (rendering == TurnRendering::kClosed) {
    body["add_generation_prompt"] = false;
    body["add_special_tokens"] = false;
  } else {
    // Without this field SGLang turns the assistant's message into a user's.
    body["continue_final_message"] = true;
  }
  return tokenize_call("tokenize_turn_call", dialect, std::move(body));
}

RemoteCall tokenize_text_call(RemoteDialect dialect, const std::string& model, const std::string& text) {
  return tokenize_call("tokenize_text_call", dialect,
                       {{"model", model}, {"prompt", text}, {"add_special_tokens", false}});
}

TokenizeReply parse_tokenize(std::string_view text) {
  const Reply reply("parse_tokenize", text);
  TokenizeReply result;
  for (const json& token : reply.array(reply.root(), "tokens")) {
    result.tokens.push_back(reply.token(token));
  }
  if (reply.root().contains("token_strs") && !reply.root().at("token_strs").is_null()) {
    for (const json& spelling : reply.array(reply.root(), "token_strs")) {
      result.spellings.push_back(reply.text(spelling, "token_strs"));
    }
    if (result.spellings.size() != result.tokens.size()) {
      reply.refuse("there are " + std::to_string(result.tokens.size()) + " tokens and " +
                   std::to_string(result.spellings.size()) + " token_strs");
    }
  }
  return result;
}

RemoteCall detokenize_call(RemoteDialect dialect, const std::string& model, std::span<const Tokens> sequences) {
  switch (dialect) {
    case RemoteDialect::kVllm:
      if (sequences.size() != 1) {
        throw InternalError("[detokenize_call] vLLM takes one sequence a call, not " +
                            std::to_string(sequences.size()) + ".");
      }
      return {"/detokenize", body_of({{"model", model}, {"tokens", sequences[0]}})};
    case RemoteDialect::kSglang: {
      json lists = json::array();
      for (const Tokens& sequence : sequences) {
        lists.push_back(sequence);
      }
      return {"/v1/detokenize", body_of({{"model", model}, {"tokens", lists}, {"skip_special_tokens", false}})};
    }
    case RemoteDialect::kLlamaServer:
      break;
  }
  not_spoken("detokenize_call", dialect);
}

std::vector<std::string> parse_detokenize(RemoteDialect dialect, std::string_view text, std::size_t count) {
  const Reply reply("parse_detokenize", text);
  std::vector<std::string> texts;
  if (dialect == RemoteDialect::kVllm) {
    texts.push_back(reply.text(reply.member(reply.root(), "prompt"), "prompt"));
  } else {
    for (const json& entry : reply.array(reply.root(), "text")) {
      texts.push_back(reply.text(entry, "text"));
    }
  }
  if (texts.size() != count) {
    reply.refuse("there are " + std::to_string(texts.size()) + " texts for " + std::to_string(count) + " sequences");
  }
  return texts;
}

RemoteCall log_probs_call(RemoteDialect dialect, const std::string& model, std::span<const Token> tokens,
                          std::size_t first) {
  if (first == 0 || first >= tokens.size()) {
    throw InternalError("[log_probs_call] the first scored position " + std::to_string(first) + " is not inside 1 to " +
                        std::to_string(tokens.size()) + " - 1.");
  }
  const Tokens ids(tokens.begin(), tokens.end());
  switch (dialect) {
    case RemoteDialect::kVllm:
      return {"/v1/completions", body_of({{"model", model},
                                          {"prompt", ids},
                                          {"max_tokens", 1},
                                          {"prompt_logprobs", 0},
                                          {"temperature", 1.0},
                                          {"top_p", 1.0},
                                          {"repetition_penalty", 1.0},
                                          {"stream", false}})};
    case RemoteDialect::kSglang:
      // The entry at logprob_start_len itself is null: its state is not computed. So the list starts one earlier.
      return {"/generate", body_of({{"input_ids", ids},
                                    {"sampling_params", {{"max_new_tokens", 1}, {"temperature", 1.0}}},
                                    {"return_logprob", true},
                                    {"logprob_start_len", first - 1},
                                    {"top_logprobs_num", 0},
                                    {"stream", false}})};
    case RemoteDialect::kLlamaServer:
      break;
  }
  not_spoken("log_probs_call", dialect);
}

namespace {

std::vector<double> vllm_log_probs(const Reply& reply, std::span<const Token> tokens, std::size_t first) {
  const json& choices = reply.array(reply.root(), "choices");
  if (choices.size() != 1) {
    reply.refuse("there are " + std::to_string(choices.size()) + " choices instead of 1");
  }
  const json& positions = reply.array(choices[0], "prompt_logprobs");
  if (positions.size() != tokens.size()) {
    reply.refuse("prompt_logprobs has " + std::to_string(positions.size()) + " entries for " +
                 std::to_string(tokens.size()) + " tokens");
  }
  std::vector<double> log_probs;
  for (std::size_t position = first; position < tokens.size(); ++position) {
    const json& entry = positions[position];
    const std::string id = std::to_string(tokens[position]);
    if (!entry.is_object() || !entry.contains(id)) {
      reply.refuse("prompt_logprobs[" + std::to_string(position) + "] does not speak of the token " + id);
    }
    const double log_prob = reply.log_prob(reply.member(entry.at(id), "logprob"), position);
    if (log_prob == kVllmFloor) {
      reply.refuse("the log-probability of position " + std::to_string(position) +
                   " is -9999, by which vLLM means minus infinity or NaN,");
    }
    log_probs.push_back(log_prob);
  }
  return log_probs;
}

std::vector<double> sglang_log_probs(const Reply& reply, std::span<const Token> tokens, std::size_t first) {
  const json& info = reply.object(reply.root(), "meta_info");
  const json& entries = reply.array(info, "input_token_logprobs");
  const std::size_t start = first - 1;
  if (entries.size() != tokens.size() - start) {
    reply.refuse("input_token_logprobs has " + std::to_string(entries.size()) + " entries for " +
                 std::to_string(tokens.size() - start) + " tokens");
  }
  std::vector<double> log_probs;
  for (std::size_t position = start; position < tokens.size(); ++position) {
    const json& entry = entries[position - start];
    if (!entry.is_array() || entry.size() < 2) {
      reply.refuse("input_token_logprobs[" + std::to_string(position - start) + "] is not [logprob, token, text]");
    }
    if (reply.token(entry[1]) != tokens[position]) {
      reply.refuse("input_token_logprobs[" + std::to_string(position - start) + "] does not speak of the token " +
                   std::to_string(tokens[position]));
    }
    if (position >= first) {
      log_probs.push_back(reply.log_prob(entry[0], position));
    }
  }
  return log_probs;
}

}  // namespace

std::vector<double> parse_log_probs(RemoteDialect dialect, std::string_view text, std::span<const Token> tokens,
                                    std::size_t first) {
  const Reply reply("parse_log_probs", text);
  switch (dialect) {
    case RemoteDialect::kVllm:
      return vllm_log_probs(reply, tokens, first);
    case RemoteDialect::kSglang:
      return sglang_log_probs(reply, tokens, first);
    case RemoteDialect::kLlamaServer:
      break;
  }
  not_spoken("parse_log_probs", dialect);
}

std::string server_message(std::string_view text) {
  const json root = json::parse(text, nullptr, false);
  if (root.is_object()) {
    for (const char* const name : {"error", "message", "detail"}) {
      if (!root.contains(name)) {
        continue;
      }
      const json& value = root.at(name);
      if (value.is_object() && value.contains("message") && value.at("message").is_string()) {
        return excerpt(value.at("message").get<std::string>());
      }
      return excerpt(value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return text.empty() ? "(no text)" : excerpt(text);
}

}  // namespace endorm
