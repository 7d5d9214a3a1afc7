#include "judge/server_judge.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/message_json.h"
#include "engine/remote/in_parallel.h"
#include "engine/text_form.h"
#include "judge/judges.h"
#include "score/json_check.h"
#include "score/request_tokens.h"
#include "score/together_or_each.h"
#include "score/token_texts.h"

namespace endorm {
namespace {

using nlohmann::json;

constexpr std::size_t kQueriesAtOnce = 32;
constexpr std::size_t kThreadsPerServer = 4;

// Where bytes are no UTF-8 the server gets U+FFFD, as from any decoder.
std::string body_of(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

[[noreturn]] void refuse_reply(const std::string& reply, const char* wanted) {
  throw EngineError("[server judge] the server answered \"" + excerpt(reply) + "\", not " + wanted +
                    ". Check that it serves a reward model in this shape.");
}

double finite_number(const json& value, const std::string& reply, const char* wanted) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    refuse_reply(reply, wanted);
  }
  return value.get<double>();
}

// {"data": [{"probs": [.., reward]}]}
double parse_classify(const std::string& reply) {
  constexpr const char* kWanted = "{\"data\": [{\"probs\": [number]}]}";
  const json object = json::parse(reply, nullptr, false);
  const json::json_pointer place("/data/0/probs");
  if (!object.is_object() || !object.contains(place) || !object.at(place).is_array() || object.at(place).empty()) {
    refuse_reply(reply, kWanted);
  }
  return finite_number(object.at(place).back(), reply, kWanted);
}

// {"rewards": [reward, ..]} [count]
std::vector<double> parse_get_reward(const std::string& reply, std::size_t count) {
  constexpr const char* kWanted = "{\"rewards\": [a number for each query]}";
  const json object = json::parse(reply, nullptr, false);
  if (!object.is_object() || !object.contains("rewards") || !object.at("rewards").is_array() ||
      object.at("rewards").size() != count) {
    refuse_reply(reply, kWanted);
  }
  std::vector<double> rewards;
  rewards.reserve(count);
  for (const json& value : object.at("rewards")) {
    rewards.push_back(finite_number(value, reply, kWanted));
  }
  return rewards;
}

json conversation(const Request& request, const std::string& response) {
  if (has_media(request.messages)) {
    throw InvalidInput("[server] images and sounds are not sent to a server.");
  }
  json messages = message_list<json>(request.messages);
  messages.push_back({{"role", "assistant"}, {"content", response}});
  return messages;
}

// The key by which a pool chooses the server: messages in order, the system's first, each as role, newline, content,
// newline. The pool in Python has the same (app/python/endorm/_prompt_key.py).
std::string prompt_of(const Request& request) {
  std::string prompt;
  for (const Message& message : request.messages) {
    prompt += message.role + '\n' + message.content + '\n';
  }
  return prompt;
}

}  // namespace

ServerShape server_shape_from_name(std::string_view name) {
  if (name == "classify") {
    return ServerShape::kClassify;
  }
  if (name == "get_reward") {
    return ServerShape::kGetReward;
  }
  throw InvalidInput("[server judge] no shape is called \"" + std::string(name) +
                     "\"; choose one of classify, get_reward");
}

// One response on its way to the server.
struct ServerScorer::Question {
  const Request* request = nullptr;
  std::size_t response = 0;
  ScoredOutcome* outcome = nullptr;
};

ServerScorer::ServerScorer(const Engine& engine, const TemplateOptions& text, ServerShape shape, std::string model,
                           ServerPoolOptions servers)
    : engine_(engine), text_(text), shape_(shape), model_(std::move(model)), servers_(std::move(servers)) {}

std::vector<Scored> ServerScorer::score(std::span<const Request> requests) {
  std::vector<Scored> scored;
  std::vector<Question> questions;
  scored.reserve(requests.size());
  for (const Request& request : requests) {
    Scored& record = scored.emplace_back(record_of(request));
    for (std::size_t i = 0; i < request.responses.size(); ++i) {
      questions.push_back({&request, i, &record.responses[i]});
    }
  }
  // True where the server gave rewards; otherwise the outcomes say why not.
  const auto answered = [&](std::span<const Question> some) {
    try {
      const std::vector<double> rewards = ask(some);
      for (std::size_t i = 0; i < some.size(); ++i) {
        *some[i].outcome = {unread_response(some[i].request->responses[some[i].response], rewards[i]), "", false};
      }
      return true;
    } catch (const ServerUnusable&) {
      throw;
    } catch (const InternalError&) {
      throw;
    } catch (const Error& error) {
      some.front().outcome->error = error.what();  // of one response; of several, each is tried by itself
      return false;
    }
  };
  const std::size_t at_once = shape_ == ServerShape::kGetReward ? kQueriesAtOnce : 1;
  const std::size_t parts = (questions.size() + at_once - 1) / at_once;
  const std::size_t threads = servers_.servers() == 1 ? 1 : kThreadsPerServer * servers_.servers();
  in_parallel(parts, threads, [&](std::size_t part, std::size_t) {
    const auto of_part = std::span(questions).subspan(part * at_once);
    const auto some = of_part.first(std::min(at_once, of_part.size()));
    all_or_each(some.size(),
                [&](std::size_t begin, std::size_t count) { return answered(some.subspan(begin, count)); });
  });
  return scored;
}

// The rewards of some responses, with one POST.
std::vector<double> ServerScorer::ask(std::span<const Question> questions) {
  if (shape_ == ServerShape::kClassify) {
    const Question& question = questions.front();
    json body = {
        {"messages", conversation(*question.request, question.request->responses[question.response].text.text)},
        {"use_activation", false}};
    if (!model_.empty()) {
      body["model"] = model_;
    }
    return {parse_classify(servers_.post("/classify", body_of(body), prompt_of(*question.request)))};
  }
  json body = {{"query", json::array()}, {"prompts", json::array()}, {"labels", json::array()}};
  for (const Question& question : questions) {
    const std::lock_guard lock(engine_mutex_);
    const ResponseText& response = question.request->responses[question.response].text;
    const TemplateOptions text = request_template(text_, *question.request);
    const std::optional<Tokens>& ids = question.request->responses[question.response].ids;
    const TokenizedResponse tokens =
        ids ? engine_.tokenize_ids(
                  required(engine_.text_form(), engine_, "server judge").open_turn(question.request->messages, text),
                  *ids)
            : engine_.tokenize(question.request->messages, std::span(&response, 1), text).at(0);
    const std::string prompt = spelled(engine_, tokens.prompt);
    body["query"].push_back(prompt + spelled(engine_, tokens.response));
    body["prompts"].push_back(prompt);
    body["labels"].push_back(nullptr);
  }
  const std::string reply = servers_.post("/get_reward", body_of(body), prompt_of(*questions.front().request));
  return parse_get_reward(reply, questions.size());
}

Judge make_server(const JudgeParts& parts) {
  if (parts.server_url.empty()) {
    throw InvalidInput("[make_judge] server needs the address of a reward server; give it with --server URL");
  }
  ServerPoolOptions options;
  for (std::size_t begin = 0; begin <= parts.server_url.size();) {
    const std::size_t end = std::min(parts.server_url.find(',', begin), parts.server_url.size());
    options.urls.push_back(parts.server_url.substr(begin, end - begin));
    begin = end + 1;
  }
  options.api_key = parts.server_key;
  Judge judge;
  judge.fingerprint = parts.server_url + " " + parts.server_shape + " " + parts.server_model;
  judge.scorer =
      std::make_unique<ServerScorer>(parts.engine, parts.score.text, server_shape_from_name(parts.server_shape),
                                     parts.server_model, std::move(options));
  return judge;
}

}  // namespace endorm
