#include "app/server/inference_protocols.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/errors.h"
#include "core/reward.h"
#include "score/token_reader.h"

namespace endorm {
namespace {

constexpr const char* kLabel = "reward";

double sigmoid(double reward) { return preference_probability(reward, 0.0); }

// A field of whole texts: a text or a list of them, or token ids in their place.
std::vector<Request> whole_field(const Json& body, const char* name, const ProtocolContext& context) {
  const Json& whole = field(body, name);
  std::vector<Request> requests;
  const auto place = [&] { return element(name, requests.size()); };
  const bool list = whole.is_array() && !whole.empty();
  if (list && whole.front().is_number()) {
    requests.push_back(templated_request(read_token_ids(JsonField(whole, name)), context, name));
  } else if (list && whole.front().is_array()) {
    for (const Json& ids : whole) {
      requests.push_back(templated_request(read_token_ids(JsonField(ids, place())), context, place()));
    }
  } else {
    for (const std::string& text : texts_field(body, name)) {
      requests.push_back(templated_request(text, context, place()));
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

// One entry a request, in their order, each made of its place and its reward.
template <typename MakeEntry>
Json entries(std::span<const Scored> scored, const MakeEntry& make_entry) {
  Json list = Json::array();
  for (const double reward : only_rewards(scored)) {
    list.push_back(make_entry(list.size(), reward));
  }
  return list;
}

Json listed(const ProtocolContext& context, const char* kind, Json data, std::span<const Scored> scored) {
  return {{"id", std::string(kind) + "-" + context.id},
          {"object", "list"},
          {"created", context.created},
          {"model", context.model},
          {"data", std::move(data)},
          {"usage", usage(scored)}};
}

// The places of rewards, highest first, equal ones in their order, at most `count`.
std::vector<std::size_t> ranked(std::span<const double> rewards, std::size_t count) {
  std::vector<std::size_t> places(rewards.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) { return rewards[a] > rewards[b]; });
  places.resize(std::min(count, places.size()));
  return places;
}

// A document is a text or {"text"}.
std::vector<std::string> document_texts(const Json& body, const char* name) {
  std::vector<std::string> texts;
  for (const JsonField& document : JsonField(body).at(name).filled_list("a list that is not empty")) {
    texts.push_back(document.is_text() ? document.text() : document.object("a string or {\"text\"}").at("text").text());
  }
  return texts;
}

std::vector<Request> pairs(std::span<const std::string> prompts, std::span<const std::string> responses) {
  if (prompts.size() != 1 && prompts.size() != responses.size()) {
    throw InvalidInput("there are " + std::to_string(prompts.size()) + " queries and " +
                       std::to_string(responses.size()) + " documents. Give one query, or as many as documents.");
  }
  std::vector<Request> requests;
  for (std::size_t i = 0; i < responses.size(); ++i) {
    requests.push_back(pair_request(prompts[prompts.size() == 1 ? 0 : i], responses[i], /*raw=*/false));
  }
  return requests;
}

// The request for one of TEI's inputs: a text, or prompt and response.
Request input_request(const Json& input, const ProtocolContext& context, const std::string& name) {
  if (input.is_string()) {
    return templated_request(input.get<std::string>(), context, name);
  }
  if (input.is_array() && input.size() == 1 && input[0].is_string()) {
    return templated_request(input[0].get<std::string>(), context, name);
  }
  if (input.is_array() && input.size() == 2 && input[0].is_string() && input[1].is_string()) {
    return pair_request(input[0].get<std::string>(), input[1].get<std::string>(), /*raw=*/false);
  }
  throw InvalidInput("\"" + name + "\" is neither a text nor a pair of prompt and response.");
}

}  // namespace

Asked read_classify(const Json& body, const ProtocolContext& context) {
  Asked asked{{}, context.options, {}, {}};
  if (optional_field(body, "text")) {
    asked.requests = whole_requests(body, "text", context);
    asked.reply = [](std::span<const Scored> scored) {
      return entries(scored, [](std::size_t, double reward) { return Json{{"embedding", {reward}}}; });
    };
    return asked;
  }
  const bool activation = flag_field(body, "use_activation", false) || flag_field(body, "activation", false);
  asked.requests = whole_requests(body, "input", context);
  asked.reply = [context, activation](std::span<const Scored> scored) {
    const auto entry = [&](std::size_t place, double reward) {
      const double shown = activation ? sigmoid(reward) : reward;
      return Json{{"index", place}, {"label", kLabel}, {"probs", {shown}}, {"num_classes", 1}};
    };
    return listed(context, "classify", entries(scored, entry), scored);
  };
  return asked;
}

Asked read_pooling(const Json& body, const ProtocolContext& context) {
  std::string task = "classify";
  if (optional_field(body, "task")) {
    task = text_field(body, "task");
  }
  if (task != "classify" && task != "token_classify") {
    throw InvalidInput("\"task\" is \"" + task + "\", expected classify or token_classify.");
  }
  Asked asked{whole_requests(body, "input", context), context.options, {}, {}};
  asked.reply = [context, each_token = task == "token_classify"](std::span<const Scored> scored) {
    Json data = Json::array();
    for (const Scored& one : scored) {
      Json numbers = Json::array();
      const double reward = only_reward(one, data.size());
      if (each_token) {
        for (const TokenReward& token : one.responses.front().scored->tokens) {
          numbers.push_back({token.reward});
        }
      } else {
        numbers.push_back(reward);
      }
      data.push_back({{"index", data.size()}, {"object", "pooling"}, {"data", std::move(numbers)}});
    }
    return listed(context, "pool", std::move(data), scored);
  };
  return asked;
}

Asked read_embeddings(const Json& body, const ProtocolContext& context) {
  Asked asked{whole_requests(body, "input", context), context.options, {}, {}};
  asked.reply = [context](std::span<const Scored> scored) {
    const auto entry = [](std::size_t place, double reward) {
      return Json{{"object", "embedding"}, {"index", place}, {"embedding", {reward}}};
    };
    return listed(context, "embd", entries(scored, entry), scored);
  };
  return asked;
}

Asked read_score(const Json& body, const ProtocolContext& context) {
  const bool older = optional_field(body, "text_1") != nullptr;
  const std::vector<std::string> prompts = texts_field(body, older ? "text_1" : "queries");
  const std::vector<std::string> responses = texts_field(body, older ? "text_2" : "documents");
  Asked asked{pairs(prompts, responses), context.options, {}, {}};
  asked.reply = [context](std::span<const Scored> scored) {
    const auto entry = [](std::size_t place, double reward) {
      return Json{{"index", place}, {"object", "score"}, {"score", reward}};
    };
    return listed(context, "score", entries(scored, entry), scored);
  };
  return asked;
}

Asked read_rerank(const Json& body, const ProtocolContext& context) {
  const std::vector<std::string> query = {text_field(body, "query")};
  const bool embeddings_inference = optional_field(body, "texts") != nullptr;  // the server of that name
  const std::vector<std::string> documents = document_texts(body, embeddings_inference ? "texts" : "documents");
  std::size_t count = documents.size();
  if (const Json* top = optional_field(body, "top_n")) {
    if (!top->is_number_unsigned() || top->get<std::size_t>() == 0) {
      throw InvalidInput("\"top_n\" must be a whole number above 0.");
    }
    count = top->get<std::size_t>();
  }
  Asked asked{pairs(query, documents), context.options, {}, {}};
  const bool raw = embeddings_inference ? flag_field(body, "raw_scores", false) : true;
  const bool with_text =
      embeddings_inference ? flag_field(body, "return_text", false) : flag_field(body, "return_documents", true);
  asked.reply = [=](std::span<const Scored> scored) {
    const std::vector<double> rewards = only_rewards(scored);
    Json results = Json::array();
    for (const std::size_t place : ranked(rewards, count)) {
      const double shown = raw ? rewards[place] : sigmoid(rewards[place]);
      Json& entry = results.emplace_back(Json{{"index", place}});
      entry[embeddings_inference ? "score" : "relevance_score"] = shown;
      if (with_text && embeddings_inference) {
        entry["text"] = documents[place];
      } else if (with_text) {
        entry["document"] = {{"text", documents[place]}};
      }
    }
    return embeddings_inference ? results
                                : Json{{"id", "rerank-" + context.id},
                                       {"object", "list"},
                                       {"model", context.model},
                                       {"usage", usage(scored)},
                                       {"results", std::move(results)}};
  };
  return asked;
}

Asked read_predict(const Json& body, const ProtocolContext& context) {
  const ProtocolContext chosen = with_turn_cut(context, body);
  const Json& inputs = field(body, "inputs");
  const bool raw = flag_field(body, "raw_scores", false);
  // A list of two texts is a pair; a list of lists is many.
  const bool many = inputs.is_array() && !inputs.empty() && inputs[0].is_array();
  Asked asked{{}, context.options, {}, {}};
  if (many) {
    for (const Json& input : inputs) {
      asked.requests.push_back(input_request(input, chosen, element("inputs", asked.requests.size())));
    }
  } else {
    asked.requests.push_back(input_request(inputs, chosen, "inputs"));
  }
  asked.reply = [raw, many](std::span<const Scored> scored) {
    Json lists = Json::array();
    for (const double reward : only_rewards(scored)) {
      lists.push_back(Json::array({{{"score", raw ? reward : sigmoid(reward)}, {"label", kLabel}}}));
    }
    return many ? lists : lists[0];
  };
  return asked;
}

}  // namespace endorm
