#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <cpp-httplib/httplib.h>
#include <nlohmann/json.hpp>

#include "app/server/reward_server.h"
#include "engine/tabular_engine.h"

namespace endorm {

// A server of tabular models on a port of its own, run by a thread until the test ends.
class RunningServer {
 public:
  explicit RunningServer(std::vector<std::unique_ptr<Engine>> engines, ServerOptions server = {},
                         QueueOptions queue = {}, std::optional<double> unscored = {});
  ~RunningServer();

  httplib::Client client() const;
  int port() const { return port_; }
  RewardServer& server() { return *server_; }
  // Of a request that must be answered.
  httplib::Result post(const std::string& path, const std::string& body) const;
  nlohmann::json reply(const std::string& path, const nlohmann::json& body) const;  // of status 200
  void stop();

 private:
  std::unique_ptr<RewardServer> server_;
  int port_ = 0;
  std::thread thread_;
  bool stopped_ = false;
};

// Of the servers' models: [7] ends a turn, [7][6] opens the model's and [7][1] a user's, [0] pads.
TurnMarks tabular_marks();
// The logits of a state, over eight tokens: a function of its path's hash. seed: another for another model.
std::vector<double> tabular_logits(std::span<const Token> path, std::uint64_t seed = 0);
// An engine of them. delay: how long each row takes.
std::unique_ptr<Engine> tabular_engine(std::chrono::milliseconds delay = std::chrono::milliseconds(0),
                                       std::uint64_t seed = 0);
std::unique_ptr<Engine> tabular_engine(TabularEngine::LogitFunction logits);
// As servers have it.
ServedModel served_tabular(const std::string& name, std::unique_ptr<Engine> engine, QueueOptions queue = {},
                           std::optional<double> unscored = {});
std::vector<std::unique_ptr<Engine>> one(std::unique_ptr<Engine> engine);
// The reward that the scorer gives, without a server.
double scored_alone(const std::string& prompt, const std::string& response, bool raw = false, ScoreOptions options = {},
                    std::uint64_t seed = 0);

}  // namespace endorm
