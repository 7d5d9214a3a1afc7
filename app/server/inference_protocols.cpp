#include "app/server/inference_protocols.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "app/server/base64.h"
#include "app/server/request_fields.h"
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

// One entry a request, in their order, each made of its place and its number, null where it has none.
template <typename MakeEntry>
Json entries(std::span<const Scored> scored, const ProtocolContext& context, const MakeEntry& make_entry) {
  Json list = Json::array();
  for (const RowReward& row : row_rewards(scored, context)) {
    list.push_back(make_entry(list.size(), number_or_null(row)));
    tell_error(row, list.back());
  }
  return list;
}

// A probability in a reward's place, where it is asked for.
Json shown(const Json& number, bool activated) {
  return activated && number.is_number() ? Json(sigmoid(number.get<double>())) : number;
}

// As OpenAI's clients read "base64".
std::string encoded(const Json& number) {
  const float value =
      number.is_number() ? static_cast<float>(number.get<double>()) : std::numeric_limits<float>::quiet_NaN();
  return base64_of_words(std::span(&value, 1));
}

bool activation_of(const Json& body) {
  return flag_field(body, "use_activation", false) || flag_field(body, "activation", false);
}

bool is_float_encoding(const Json& value) { return value == "float"; }
constexpr const char* kNoTemplate = "Start the server with --template, or apply the template and send text.";
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
  check_fields(body, context, read, kUnsupported);
}

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

// Options of a request that lets a prompt lose what does not fit: vLLM's "truncate_prompt_tokens" (-1: into the
// context) and TEI's "truncate". What is lost at the right would be the response's: such a text is refused where it is
// too long.
ScoreOptions truncating(const Json& body, const ProtocolContext& context, std::span<const Request> requests) {
  ScoreOptions options = context.options;
  std::string side = optional_field(body, "truncation_side") ? text_field(body, "truncation_side") : "left";
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
    side = optional_field(body, "truncation_direction") ? text_field(body, "truncation_direction") : "right";
    asked = true;
  }
  if (asked && (side == "left" || side == "Left")) {
    options.overflow = Overflow::kTruncateLeft;
  }
  return options;
}

Json listed(const ProtocolContext& context, const char* kind, Json data, std::span<const Scored> scored) {
  return {{"id", std::string(kind) + "-" + context.id},
          {"object", "list"},
          {"created", context.created},
          {"model", context.model},
          {"data", std::move(data)},
          {"usage", usage(scored)}};
}

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
      return Json{
          {"index", place}, {"label", kLabel}, {"probs", Json::array({shown(number, activation)})}, {"num_classes", 1}};
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
  check_fields(body, context, kFields, kUnsupported);
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
  check_fields(body, context, kFields, kUnsupported);
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
  check_fields(body, context, kFields, kUnsupported);
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
      Json entry = {{"score", shown(number_or_null(row), !raw)}, {"label", kLabel}};
      tell_error(row, entry);
      lists.push_back(Json::array({std::move(entry)}));
    }
    return many ? lists : lists[0];
  };
  return asked;
}

}  // namespace endorm
