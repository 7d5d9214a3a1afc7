#include "app/server/trainer_protocols.h"

#include "core/errors.h"

namespace endorm {
namespace {

// A query that holds its prompt, whatever special token a decoder put before it, is cut behind it.
Request query_request(const std::string& query, const std::string* prompt, const ProtocolContext& context,
                      const std::string& name) {
  const std::size_t found = prompt && !prompt->empty() ? query.find(*prompt) : std::string::npos;
  if (found == std::string::npos) {
    return templated_request(query, context, name);
  }
  const std::size_t begin = found + prompt->size();
  return pair_request(query.substr(0, begin), query.substr(begin), /*raw=*/true);
}

// A text that may be missing or null.
std::string text_or(const Json& object, const char* name, const char* otherwise) {
  return optional_field(object, name) ? text_field(object, name) : otherwise;
}

// The text of the assistant's last message in the form of OpenAI's responses interface, and whether it was cut off.
ResponseText output_text(const Json& response) {
  const Json& output = field(response, "output");
  ResponseText text;
  for (const Json& item : output) {
    if (!item.is_object() || text_or(item, "type", "message") != "message") {
      continue;
    }
    text.text.clear();
    const Json& content = field(item, "content");
    if (content.is_string()) {
      text.text = content.get<std::string>();
      continue;
    }
    for (const Json& part : content) {
      if (part.is_object() && text_or(part, "type", "") == "output_text") {
        text.text += text_field(part, "text");
      }
    }
  }
  const Json* details = optional_field(response, "incomplete_details");
  text.truncated = details != nullptr || text_or(response, "status", "completed") == "incomplete";
  return text;
}

// Messages whose content may be parts of type "input_text" or "output_text".
Json plain_messages(const Json& input) {
  if (!input.is_array()) {
    return input;
  }
  Json messages = Json::array();
  for (const Json& message : input) {
    if (!message.is_object()) {
      throw InvalidInput("\"responses_create_params.input\" holds a JSON " + std::string(message.type_name()) +
                         ", expected messages.");
    }
    if (text_or(message, "type", "message") != "message") {
      throw InvalidInput("\"responses_create_params.input\" holds an item of type \"" + text_field(message, "type") +
                         "\": tool calls are not supported. Give messages.");
    }
    Json content = field(message, "content");
    if (content.is_array()) {
      for (Json& part : content) {
        const std::string type = part.is_object() ? text_or(part, "type", "") : "";
        if (type == "input_text" || type == "output_text") {
          part["type"] = "text";
        }
      }
    }
    messages.push_back({{"role", text_field(message, "role")}, {"content", std::move(content)}});
  }
  return messages;
}

}  // namespace

Asked read_get_reward(const Json& body, const ProtocolContext& context) {
  const std::vector<std::string> queries = texts_field(body, "query");
  std::vector<std::string> prompts;
  if (optional_field(body, "prompts")) {
    prompts = texts_field(body, "prompts");
    if (prompts.size() != queries.size()) {
      throw InvalidInput("\"prompts\" has " + std::to_string(prompts.size()) + " texts and \"query\" " +
                         std::to_string(queries.size()) + ". Give as many.");
    }
  }
  Asked asked{{}, context.options, {}, {}};
  for (std::size_t i = 0; i < queries.size(); ++i) {
    asked.requests.push_back(query_request(queries[i], prompts.empty() ? nullptr : &prompts[i], context,
                                           "query[" + std::to_string(i) + "]"));
  }
  asked.reply = [](std::span<const Scored> scored) {
    const std::vector<double> rewards = only_rewards(scored);
    Json log_probs = Json::array();
    Json tokens = Json::array();
    for (const Scored& one : scored) {
      const ScoredResponse& response = *one.responses.front().scored;
      log_probs.push_back(response.log_prob.value_or(0.0));
      tokens.push_back(static_cast<double>(response.token_ids.size()));
    }
    return Json{{"rewards", rewards},
                {"scores", rewards},
                {"extra_logs", {{"endorm_log_prob", std::move(log_probs)}, {"endorm_tokens", std::move(tokens)}}}};
  };
  return asked;
}

Asked read_remote_rm(const Json& body, const ProtocolContext& context) {
  const Json& prompt = field(body, "prompt");
  std::string response = text_field(body, "response");
  Asked asked{{}, context.options, {}, {}};
  asked.requests.push_back(prompt.is_string() ? pair_request(prompt.get<std::string>(), std::move(response), true)
                                              : message_request(prompt, std::move(response)));
  asked.reply = [](std::span<const Scored> scored) { return Json(only_reward(scored.front(), 0)); };
  return asked;
}

Asked read_score_evaluation(const Json& body, const ProtocolContext& context) {
  Asked asked{{}, context.options, {}, {}};
  for (const std::string& text : texts_field(body, "messages")) {
    asked.requests.push_back(
        templated_request(text, context, "messages[" + std::to_string(asked.requests.size()) + "]"));
  }
  asked.reply = [id = context.id, model = context.model](std::span<const Scored> scored) {
    return Json{
        {"id", "scoreval-" + id}, {"object", "score.evaluation"}, {"model", model}, {"scores", only_rewards(scored)}};
  };
  return asked;
}

Asked read_verify(const Json& body, const ProtocolContext& context) {
  const Json input = plain_messages(field(field(body, "responses_create_params"), "input"));
  ResponseText answer = output_text(field(body, "response"));
  Request request = message_request(input, answer.text);
  request.responses.front().text.truncated = answer.truncated;
  Asked asked{{}, context.options, {}, {}};
  asked.requests.push_back(std::move(request));
  asked.reply = [body](std::span<const Scored> scored) {
    Json verified = body;
    verified["reward"] = only_reward(scored.front(), 0);
    return verified;
  };
  return asked;
}

}  // namespace endorm
