#include "tests/judge/reward_server.h"

#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include <cpp-httplib/httplib.h>

namespace endorm {

using nlohmann::json;

struct RewardModelServer::State {
  void serve(const char* path, json (State::*reply)(const json&)) {
    server.Post(path, [this, path, reply](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard<std::mutex> lock(mutex);
      const json body = json::parse(request.body);
      bodies.push_back(body);
      int status = 200;
      std::string answer;
      if (!key.empty() && request.get_header_value("Authorization") != "Bearer " + key) {
        status = 401;
        answer = R"({"error": "Unauthorized"})";
      } else {
        try {
          answer = (this->*reply)(body).dump();
        } catch (const std::exception& error) {
          status = 400;
          answer = json{{"error", {{"message", error.what()}}}}.dump();
        }
      }
      if (meddle) {
        meddle(path, body, status, answer);
      }
      response.status = status;
      response.set_content(answer, "application/json");
    });
  }

  json classify(const json& body) {
    std::string text;
    for (const json& message : body.at("messages")) {
      text += message.at("role").get<std::string>() + ":" + message.at("content").get<std::string>() + ";";
    }
    return {{"id", "classify-1"},
            {"object", "list"},
            {"model", body.value("model", "default")},
            {"data", {{{"index", 0}, {"label", "LABEL_0"}, {"probs", {rule(text)}}, {"num_classes", 1}}}}};
  }

  json get_reward(const json& body) {
    json rewards = json::array();
    for (const json& query : body.at("query")) {
      rewards.push_back(rule(query.get<std::string>()));
    }
    return {{"rewards", rewards}, {"scores", rewards}, {"extra_logs", json::object()}};
  }

  Rule rule;
  Meddle meddle;
  std::string key;
  std::vector<json> bodies;
  mutable std::mutex mutex;
  httplib::Server server;
  int port = 0;
  std::thread listener;
};

RewardModelServer::RewardModelServer(Rule rule) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.rule = std::move(rule);
  state.serve("/classify", &State::classify);
  state.serve("/get_reward", &State::get_reward);
  // A thread for each connection of a pool's clients: with fewer, one waits until another's keep-alive ends.
  state.server.new_task_queue = [] { return new httplib::ThreadPool(64); };  // NOLINT: the server deletes it
  state.server.set_keep_alive_timeout(1);
  state.port = state.server.bind_to_any_port("127.0.0.1");
  if (state.port <= 0) {
    throw std::runtime_error("no port of the loopback could be bound");
  }
  state.listener = std::thread([&state] { state.server.listen_after_bind(); });
  state.server.wait_until_ready();
}

RewardModelServer::~RewardModelServer() { stop(); }

void RewardModelServer::stop() {
  if (state_->listener.joinable()) {
    state_->server.stop();
    state_->listener.join();
  }
}

std::string RewardModelServer::url() const { return "http://127.0.0.1:" + std::to_string(state_->port); }

void RewardModelServer::meddle(Meddle with) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->meddle = std::move(with);
}

void RewardModelServer::require_key(std::string key) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->key = std::move(key);
}

std::vector<json> RewardModelServer::asked() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->bodies;
}

}  // namespace endorm
