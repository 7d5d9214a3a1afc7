#include "app/server/rerank_protocols.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "app/server/inference_bodies.h"
#include "core/errors.h"
#include "score/json_field.h"

namespace endorm {
namespace {

// The places of rows, the highest number first, equal ones in their order, those without a number last; at most
// `count`.
std::vector<std::size_t> ranked(std::span<const RowReward> rows, std::size_t count) {
  const auto number = [&](std::size_t place) {
    return rows[place].number.value_or(-std::numeric_limits<double>::infinity());
  };
  std::vector<std::size_t> places(rows.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) { return number(a) > number(b); });
  places.resize(std::min(count, places.size()));
  return places;
}

// A document is a text or {"text"}; there may be one alone.
std::vector<std::string> document_texts(const Json& body, const char* name) {
  std::vector<std::string> texts;
  if (JsonField(body).at(name).is_text()) {
    return {text_field(body, name)};
  }
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
  const bool alone = input.is_array() && input.size() == 1 && input[0].is_string();
  if (input.is_string() || alone) {
    const auto text = (alone ? input[0] : input).get<std::string>();
    return row_request([&] { return templated_request(text, context, name); });
  }
  if (input.is_array() && input.size() == 2 && input[0].is_string() && input[1].is_string()) {
    return pair_request(input[0].get<std::string>(), input[1].get<std::string>(), /*raw=*/false);
  }
  throw InvalidInput("\"" + name + "\" is neither a text nor a pair of prompt and response.");
}

}  // namespace

Asked read_score(const Json& body, const ProtocolContext& context) {
  // What vLLM calls the two, from its first version on.
  constexpr std::array<std::pair<const char*, const char*>, 4> kSpellings = {
      {{"queries", "documents"}, {"queries", "items"}, {"text_1", "text_2"}, {"data_1", "data_2"}}};
  constexpr std::array<std::string_view, 11> kFields = {"queries",
                                                        "documents",
                                                        "items",
                                                        "text_1",
                                                        "text_2",
                                                        "data_1",
                                                        "data_2",
                                                        "use_activation",
                                                        "activation",
                                                        "truncation_side",
                                                        "truncate_prompt_tokens"};
  check_inference_fields(body, context, kFields);
  std::vector<std::pair<const char*, const char*>> given;
  for (const auto& spelling : kSpellings) {
    if (optional_field(body, spelling.first) && optional_field(body, spelling.second)) {
      given.push_back(spelling);
    }
  }
  if (given.size() > 1) {
    throw InvalidInput("\"" + std::string(given[1].second) + "\" stands beside \"" + given[0].second +
                       "\". Keep one of them.");
  }
  const auto [prompts, responses] = given.empty() ? kSpellings.front() : given.front();
  Asked asked{pairs(texts_field(body, prompts), document_texts(body, responses)), {}, {}, {}};
  asked.options = truncating(body, context, asked.requests);
  asked.reply = [context, activation = activation_of(body)](std::span<const Scored> scored) {
    const auto entry = [&](std::size_t place, const Json& number) {
      return Json{{"index", place}, {"object", "score"}, {"score", shown(number, activation)}};
    };
    return listed(context, "score", entries(scored, context, entry), scored);
  };
  return asked;
}

Asked read_rerank(const Json& body, const ProtocolContext& context) {
  constexpr std::array<std::string_view, 13> kFields = {"query",
                                                        "documents",
                                                        "texts",
                                                        "top_n",
                                                        "return_documents",
                                                        "raw_scores",
                                                        "return_text",
                                                        "truncate",
                                                        "truncation_direction",
                                                        "truncation_side",
                                                        "truncate_prompt_tokens",
                                                        "use_activation",
                                                        "activation"};
  check_inference_fields(body, context, kFields);
  const std::vector<std::string> query = {text_field(body, "query")};
  const bool embeddings_inference = optional_field(body, "texts") != nullptr;  // the server of that name
  const std::vector<std::string> documents = document_texts(body, embeddings_inference ? "texts" : "documents");
  std::size_t count = documents.size();
  if (optional_field(body, "top_n")) {
    const std::size_t top = JsonField(body).at("top_n").count();
    count = top == 0 ? count : top;  // vLLM's default, and all
  }
  Asked asked{pairs(query, documents), {}, {}, {}};
  asked.options = truncating(body, context, asked.requests);
  const bool raw = embeddings_inference ? flag_field(body, "raw_scores", false) : !activation_of(body);
  const bool with_text =
      embeddings_inference ? flag_field(body, "return_text", false) : flag_field(body, "return_documents", true);
  asked.reply = [=](std::span<const Scored> scored) {
    const std::vector<RowReward> rows = row_rewards(scored, context);
    Json results = Json::array();
    for (const std::size_t place : ranked(rows, count)) {
      Json& entry = results.emplace_back(Json{{"index", place}});
      entry[embeddings_inference ? "score" : "relevance_score"] = shown(number_or_null(rows[place]), !raw);
      tell_error(rows[place], entry);
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
  constexpr std::array<std::string_view, 5> kFields = {"inputs", "raw_scores", "truncate", "truncation_direction",
                                                       "turn_cut"};
  check_inference_fields(body, context, kFields);
  const ProtocolContext chosen = with_turn_cut(context, body);
  const Json& inputs = field(body, "inputs");
  const bool raw = flag_field(body, "raw_scores", false);
  // A list of two texts is a pair; a list of lists is many.
  const bool many = inputs.is_array() && !inputs.empty() && inputs[0].is_array();
  Asked asked{{}, {}, {}, {}};
  if (many) {
    for (const Json& input : inputs) {
      asked.requests.push_back(input_request(input, chosen, element("inputs", asked.requests.size())));
    }
  } else {
    asked.requests.push_back(input_request(inputs, chosen, "inputs"));
  }
  asked.options = truncating(body, context, asked.requests);
  asked.reply = [context, raw, many](std::span<const Scored> scored) {
    Json lists = Json::array();
    for (const RowReward& row : row_rewards(scored, context)) {
      Json entry = {{"score", shown(number_or_null(row), !raw)}, {"label", kRewardLabel}};
      tell_error(row, entry);
      lists.push_back(Json::array({std::move(entry)}));
    }
    return many ? lists : lists[0];
  };
  return asked;
}

}  // namespace endorm
