#include "tests/judge/chat_model_server.h"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include <cpp-httplib/httplib.h>

namespace endorm {

using nlohmann::json;

namespace {

json error_body(const std::string& message, const char* type, const char* code) {
  return {{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", code}}}};
}

json completion(const std::string& model, const std::string& content) {
  return {{"id", "chatcmpl-1"},
          {"object", "chat.completion"},
          {"created", 1764590000},
          {"model", model + "-2026-01-01"},
          {"choices",
           {{{"index", 0},
             {"message", {{"role", "assistant"}, {"content", content}, {"refusal", nullptr}}},
             {"logprobs", nullptr},
             {"finish_reason", "stop"}}}},
          {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 3}, {"total_tokens", 103}}}};
}

}  // namespace

struct ChatModelServer::State {
  bool lets_in(const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex);
    if (key.empty() || request.get_header_value("Authorization") == "Bearer " + key) {
      return true;
    }
    response.status = 401;
    response.set_content(error_body("Incorrect API key provided", "invalid_request_error", "invalid_api_key").dump(),
                         "application/json");
    return false;
  }

  void answer(const httplib::Request& request, httplib::Response& response) {
    const json asked = json::parse(request.body);
    std::size_t count = 0;
    Meddle with;
    {
      const std::lock_guard lock(mutex);
      bodies.push_back(asked);
      count = bodies.size();
      most_at_once = std::max(most_at_once, ++at_once);
      with = meddle;
    }
    int status = 200;
    std::string body;
    if (asked.at("model") == "judge-1") {
      body = completion("judge-1", rule(asked)).dump();
    } else {
      status = 404;
      body = error_body("The model `" + asked.at("model").get<std::string>() + "` does not exist",
                        "invalid_request_error", "model_not_found")
                 .dump();
    }
    if (with) {
      with(count, asked, status, body);
    }
    {
      const std::lock_guard lock(mutex);
      --at_once;
    }
    response.status = status;
    response.set_content(body, "application/json");
  }

  Rule rule;
  Meddle meddle;
  std::string key;
  std::vector<json> bodies;
  std::size_t at_once = 0;
  std::size_t most_at_once = 0;
  mutable std::mutex mutex;
  httplib::Server server;
  int port = 0;
  std::thread listener;
};

ChatModelServer::ChatModelServer(Rule rule) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.rule = std::move(rule);
  state.server.Get("/v1/models", [&state](const httplib::Request& request, httplib::Response& response) {
    if (state.lets_in(request, response)) {
      response.set_content(json{{"object", "list"}, {"data", {{{"id", "judge-1"}, {"object", "model"}}}}}.dump(),
                           "application/json");
    }
  });
  state.server.Post("/v1/chat/completions", [&state](const httplib::Request& request, httplib::Response& response) {
    if (state.lets_in(request, response)) {
      state.answer(request, response);
    }
  });
  // A thread for each connection of the clients: with fewer, one waits until another's keep-alive ends.
  state.server.new_task_queue = [] { return new httplib::ThreadPool(64); };  // NOLINT: the server deletes it
  state.server.set_keep_alive_timeout(1);
  state.port = state.server.bind_to_any_port("127.0.0.1");
  if (state.port <= 0) {
    throw std::runtime_error("no port of the loopback could be bound");
  }
  state.listener = std::thread([&state] { state.server.listen_after_bind(); });
  state.server.wait_until_ready();
}

ChatModelServer::~ChatModelServer() { stop(); }

void ChatModelServer::stop() {
  if (state_->listener.joinable()) {
    state_->server.stop();
    state_->listener.join();
  }
}

std::string ChatModelServer::url() const { return "http://127.0.0.1:" + std::to_string(state_->port); }

void ChatModelServer::meddle(Meddle with) {
  const std::lock_guard lock(state_->mutex);
  state_->meddle = std::move(with);
}

void ChatModelServer::require_key(std::string key) {
  const std::lock_guard lock(state_->mutex);
  state_->key = std::move(key);
}

std::vector<json> ChatModelServer::asked() const {
  const std::lock_guard lock(state_->mutex);
  return state_->bodies;
}

std::size_t ChatModelServer::most_at_once() const {
  const std::lock_guard lock(state_->mutex);
  return state_->most_at_once;
}

}  // namespace endorm
