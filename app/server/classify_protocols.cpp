#include "app/server/classify_protocols.h"

#include <array>
#include <limits>

#include "app/server/inference_bodies.h"
#include "core/base64.h"
#include "core/errors.h"
#include "score/json_field.h"
#include "score/token_reader.h"

namespace endorm {
namespace {

// A field of whole texts: a text or a list of them, or token ids in their place.
std::vector<Request> whole_field(const Json& body, const char* name, const ProtocolContext& context) {
  const Json& whole = field(body, name);
  std::vector<Request> requests;
  const auto place = [&] { return element(name, requests.size()); };
  const bool list = whole.is_array() && !whole.empty();
  const auto add = [&](const auto& given, const std::string& called) {
    requests.push_back(row_request([&] { return templated_request(given, context, called); }));
  };
  if (list && whole.front().is_number()) {
    add(read_token_ids(JsonField(whole, name)), name);
  } else if (list && whole.front().is_array()) {
    for (const Json& ids : whole) {
      add(read_token_ids(JsonField(ids, place())), place());
    }
  } else {
    for (const std::string& text : texts_field(body, name)) {
      add(text, place());
    }
  }
  return requests;
}

// What a body asks the reward of: one conversation in "messages", whose last is the response to those before it; tokens
// in "prompt_ids" and "response_ids" (one list, or a list of them); or whole texts in the field `name`.
std::vector<Request> whole_requests(const Json& body, const char* name, const ProtocolContext& context) {
  const Json* messages = optional_field(body, "messages");
  const Json* prompt = optional_field(body, "prompt_ids");
  if (prompt && (messages || optional_field(body, name))) {
    throw InvalidInput("\"prompt_ids\" stand beside \"" + std::string(messages ? "messages" : name) +
                       "\". Keep one of them.");
  }
  if (!prompt && optional_field(body, "response_ids")) {
    throw InvalidInput("\"response_ids\" are given without \"prompt_ids\". Give both.");
  }
  if (messages) {
    return {record_request({{"messages", *messages}}, body)};
  }
  if (!prompt) {
    for (const char* name_of_argument : {"tools", "chat_template_kwargs"}) {
      const Json* given = optional_field(body, name_of_argument);
      if (given && !given->empty()) {
        throw InvalidInput("\"" + std::string(name_of_argument) +
                           "\" stands beside a text that is templated already, " +
                           "in which it changes nothing. Leave it out, or send \"messages\".");
      }
    }
    return whole_field(body, name, with_turn_cut(context, body));
  }
  Json record = {{"prompt_ids", *prompt}, {"response_ids", field(body, "response_ids")}};
  if (const Json* mask = optional_field(body, "response_mask")) {
    record["response_mask"] = *mask;
  }
  Request request = record_request(std::move(record), Json::object());
  std::vector<Request> requests;
  for (RequestResponse& response : request.responses) {  // each is an entry of the reply
    requests.emplace_back().prompt_ids = request.prompt_ids;
    requests.back().responses.push_back(std::move(response));
  }
  return requests;
}

// As OpenAI's clients read "base64".
std::string encoded(const Json& number) {
  const float value =
      number.is_number() ? static_cast<float>(number.get<double>()) : std::numeric_limits<float>::quiet_NaN();
  return base64_of_words(std::span(&value, 1));
}

constexpr std::array<std::string_view, 13> kWholeFields = {"input",
                                                           "messages",
                                                           "tools",
                                                           "chat_template_kwargs",
                                                           "prompt_ids",
                                                           "response_ids",
                                                           "response_mask",
                                                           "turn_cut",
                                                           "add_special_tokens",
                                                           "truncation_side",
                                                           "truncate_prompt_tokens",
                                                           "use_activation",
                                                           "activation"};

// `also`: what one route reads beside the fields of whole texts.
void check_whole_fields(const Json& body, const ProtocolContext& context,
                        std::initializer_list<std::string_view> also) {
  std::vector<std::string_view> read(kWholeFields.begin(), kWholeFields.end());
  read.insert(read.end(), also.begin(), also.end());
  check_inference_fields(body, context, read);
}

}  // namespace

Asked read_classify(const Json& body, const ProtocolContext& context) {
  check_whole_fields(body, context, {"text", "rid"});
  Asked asked{{}, {}, {}, {}};
  if (optional_field(body, "text")) {
    asked.requests = whole_requests(body, "text", context);
    asked.options = truncating(body, context, asked.requests);
    asked.reply = [context](std::span<const Scored> scored) {
      const auto entry = [](std::size_t, const Json& number) { return Json{{"embedding", Json::array({number})}}; };
      return entries(scored, context, entry);
    };
    return asked;
  }
  const bool activation = activation_of(body);
  asked.requests = whole_requests(body, "input", context);
  asked.options = truncating(body, context, asked.requests);
  asked.reply = [context, activation](std::span<const Scored> scored) {
    const auto entry = [&](std::size_t place, const Json& number) {
      return Json{{"index", place},
                  {"label", kRewardLabel},
                  {"probs", Json::array({shown(number, activation)})},
                  {"num_classes", 1}};
    };
    return listed(context, "classify", entries(scored, context, entry), scored);
  };
  return asked;
}

Asked read_pooling(const Json& body, const ProtocolContext& context) {
  check_whole_fields(body, context, {"task"});
  std::string task = "classify";
  if (optional_field(body, "task")) {
    task = text_field(body, "task");
  }
  if (task != "classify" && task != "token_classify") {
    throw InvalidInput("\"task\" is \"" + task + "\", expected classify or token_classify.");
  }
  if (activation_of(body)) {
    throw InvalidInput("\"use_activation\" is not supported here. Send it to /classify.");
  }
  Asked asked{whole_requests(body, "input", context), {}, {}, {}};
  asked.options = truncating(body, context, asked.requests);
  asked.reply = [context, each_token = task == "token_classify"](std::span<const Scored> scored) {
    Json data = Json::array();
    for (const RowReward& row : row_rewards(scored, context)) {
      const std::size_t place = data.size();
      Json numbers = Json::array();
      if (each_token && row.error.empty()) {
        for (const TokenReward& token : scored[place].responses.front().scored->tokens) {
          numbers.push_back({token.reward});
        }
      } else {
        numbers.push_back(each_token ? Json::array({number_or_null(row)}) : number_or_null(row));
      }
      Json& entry = data.emplace_back(Json{{"index", place}, {"object", "pooling"}, {"data", std::move(numbers)}});
      tell_error(row, entry);
    }
    return listed(context, "pool", std::move(data), scored);
  };
  return asked;
}

Asked read_embeddings(const Json& body, const ProtocolContext& context) {
  check_whole_fields(body, context, {"encoding_format"});
  const std::string format = optional_field(body, "encoding_format") ? text_field(body, "encoding_format") : "float";
  if (format != "float" && format != "base64") {
    throw InvalidInput("\"encoding_format\" is \"" + format + "\", expected float or base64.");
  }
  Asked asked{whole_requests(body, "input", context), {}, {}, {}};
  asked.options = truncating(body, context, asked.requests);
  asked.reply = [context, format](std::span<const Scored> scored) {
    const auto entry = [&](std::size_t place, const Json& number) {
      const Json embedding = format == "base64" ? Json(encoded(number)) : Json::array({number});
      return Json{{"object", "embedding"}, {"index", place}, {"embedding", embedding}};
    };
    return listed(context, "embd", entries(scored, context, entry), scored);
  };
  return asked;
}

}  // namespace endorm
