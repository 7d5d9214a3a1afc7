#include "engine/remote/remote_replies.h"

#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/utf8.h"

namespace endorm {
namespace {

using nlohmann::json;

// A log-softmax computed in 16 or 32 bits may come out above 0 by its rounding.
constexpr double kRounding = 1e-3;
// vLLM writes this for minus infinity, newer versions also for NaN (clamp_prompt_logprobs in its sources).
constexpr double kVllmFloor = -9999.0;
constexpr std::size_t kExcerptBytes = 300;  // of a reply quoted in a message

// The members of a reply, each checked for being there and of its type.
class ServerReply {
 public:
  ServerReply(std::string function, std::string_view text)
      : function_(std::move(function)), text_(text), root_(json::parse(text, nullptr, false)) {
    if (!root_.is_object()) {
      refuse("no JSON object");
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

  [[noreturn]] void refuse(const std::string& fact) const {
    throw EngineError("[" + function_ + "] " + fact + " in the server's answer " + excerpt(text_, kExcerptBytes) +
                      ". Check that the dialect fits the server and that the server is up to date.");
  }

 private:
  std::string function_;
  std::string_view text_;
  json root_;
};

std::vector<double> vllm_log_probs(const ServerReply& reply, std::span<const Token> tokens, std::size_t first) {
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

std::vector<double> sglang_log_probs(const ServerReply& reply, std::span<const Token> tokens, std::size_t first) {
  const json& entries = reply.array(reply.member(reply.root(), "meta_info"), "input_token_logprobs");
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

RemoteModelInfo parse_models(std::string_view text, std::string_view wanted) {
  const ServerReply reply("parse_models", text);
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

TokenizeReply parse_tokenize(std::string_view text) {
  const ServerReply reply("parse_tokenize", text);
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

std::vector<std::string> parse_detokenize(RemoteDialect dialect, std::string_view text, std::size_t count) {
  const ServerReply reply("parse_detokenize", text);
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

std::vector<double> parse_log_probs(RemoteDialect dialect, std::string_view text, std::span<const Token> tokens,
                                    std::size_t first) {
  const ServerReply reply("parse_log_probs", text);
  return dialect == RemoteDialect::kVllm ? vllm_log_probs(reply, tokens, first)
                                         : sglang_log_probs(reply, tokens, first);
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
        return excerpt(value.at("message").get<std::string>(), kExcerptBytes);
      }
      return excerpt(value.is_string() ? value.get<std::string>() : value.dump(), kExcerptBytes);
    }
  }
  return text.empty() ? "(no text)" : excerpt(text, kExcerptBytes);
}

}  // namespace endorm
