#include "app/server/inference_bodies.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "app/server/request_fields.h"
#include "core/errors.h"
#include "core/reward.h"
#include "score/json_field.h"

namespace endorm {
namespace {

double sigmoid(double reward) { return preference_probability(reward, 0.0); }

bool is_float_encoding(const Json& value) { return value == "float"; }
constexpr const char* kNoTemplate = "Apply the template and send text.";
constexpr const char* kServersOwn = "Leave it out.";
// What vLLM's, SGLang's, Jina's and Cohere's clients may send to routes of rewards.
constexpr std::array<UnsupportedField, 14> kUnsupported = {{
    {"top_k", is_nothing, "Send \"top_n\"."},
    {"max_tokens_per_doc", is_nothing, "Send shorter documents."},
    {"max_chunks_per_doc", is_nothing, "Send shorter documents."},
    {"dimensions", is_one, "A reward is one number."},
    {"encoding_format", is_float_encoding, "Numbers are sent as JSON."},
    {"embed_dtype", is_nothing, kServersOwn},
    {"chat_template", is_nothing, kNoTemplate},
    {"add_generation_prompt", is_false, "The last message is the response."},
    {"continue_final_message", is_false, "To score a response that was cut off, send its text to /v1/rewards."},
    {"mm_processor_kwargs", is_empty, kServersOwn},
    {"rank_fields", is_nothing, "A document is a text or {\"text\"}."},
    {"softmax", is_false, kServersOwn},
    {"normalize", is_false, "Rewards are not normalized."},
    {"instruction", is_empty, "Write it into the query."},
}};

// Tokens that a request has at most, where its text alone says so: none holds less than a byte, and BOS may be added. A
// chat template adds more than can be known here.
std::optional<std::size_t> most_tokens(const Request& request) {
  if (!request.raw && !request.prompt_ids) {
    return std::nullopt;
  }
  std::size_t tokens = request.prompt_ids ? request.prompt_ids->size() : request.messages.front().content.size() + 1;
  for (const RequestResponse& response : request.responses) {
    tokens += response.ids ? response.ids->size() : response.text.text.size();
  }
  return tokens;
}

std::string text_or(const Json& body, const char* name, const char* otherwise) {
  return optional_field(body, name) ? text_field(body, name) : otherwise;
}

}  // namespace

void check_inference_fields(const Json& body, const ProtocolContext& context, std::span<const std::string_view> read) {
  check_fields(body, context, read, kUnsupported);
}

bool activation_of(const Json& body) {
  return flag_field(body, "use_activation", false) || flag_field(body, "activation", false);
}

ScoreOptions truncating(const Json& body, const ProtocolContext& context, std::span<const Request> requests) {
  ScoreOptions options = context.options;
  std::string side = text_or(body, "truncation_side", "left");
  const std::string direction = text_or(body, "truncation_direction", "right");
  bool asked = false;
  if (optional_field(body, "truncate_prompt_tokens")) {
    const std::int64_t most = JsonField(body).at("truncate_prompt_tokens").integer();
    const auto keeps = [&](const Request& request) {
      return most_tokens(request).value_or(static_cast<std::size_t>(-1)) <= static_cast<std::size_t>(most);
    };
    const bool whole_context = context.longest > 0 && most >= static_cast<std::int64_t>(context.longest);
    if (most < -1 || (most >= 0 && !whole_context && !std::all_of(requests.begin(), requests.end(), keeps))) {
      throw InvalidInput(
          "\"truncate_prompt_tokens\" is " + std::to_string(most) +
          ", which is not supported: it would change the answer. Send a shorter text, or -1, which drops "
          "the beginning of a prompt that is longer than the context.");
    }
    asked = true;
  }
  if (flag_field(body, "truncate", false)) {
    side = direction;
    asked = true;
  }
  if (asked && (side == "left" || side == "Left")) {
    options.overflow = Overflow::kTruncateLeft;
  }
  return options;
}

Json shown(const Json& number, bool activated) {
  return activated && number.is_number() ? Json(sigmoid(number.get<double>())) : number;
}

Json listed(const ProtocolContext& context, const char* kind, Json data, std::span<const Scored> scored) {
  return {{"id", std::string(kind) + "-" + context.id},
          {"object", "list"},
          {"created", context.created},
          {"model", context.model},
          {"data", std::move(data)},
          {"usage", usage(scored)}};
}

}  // namespace endorm
