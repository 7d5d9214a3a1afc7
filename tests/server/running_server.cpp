#include "tests/server/running_server.h"

#include <random>

#include <doctest/doctest.h>

#include "app/server/protocol.h"

namespace endorm {

std::vector<double> tabular_logits(std::span<const Token> path, std::uint64_t seed) {
  std::uint64_t hash = 1469598103934665603ULL + seed;
  for (const Token token : path) {
    hash = (hash ^ static_cast<std::uint64_t>(token + 1)) * 1099511628211ULL;
  }
  std::mt19937_64 random(hash);
  std::vector<double> row(8);
  for (double& logit : row) {
    logit = std::normal_distribution<double>(0.0, 2.0)(random);
  }
  return row;
}

std::unique_ptr<Engine> tabular_engine(std::chrono::milliseconds delay, std::uint64_t seed) {
  return tabular_engine([delay, seed](std::span<const Token> path) {
    std::this_thread::sleep_for(delay);
    return tabular_logits(path, seed);
  });
}

std::unique_ptr<Engine> tabular_engine(TabularEngine::LogitFunction logits) {
  TabularOptions options;
  options.context = 64;
  return std::make_unique<TabularEngine>(8, std::move(logits), options);
}

std::vector<std::unique_ptr<Engine>> one(std::unique_ptr<Engine> engine) {
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(std::move(engine));
  return engines;
}

double scored_alone(const std::string& prompt, const std::string& response, bool raw, ScoreOptions options,
                    std::uint64_t seed) {
  const auto engine = tabular_engine(std::chrono::milliseconds(0), seed);
  StatsCache cache(std::nullopt);
  const Request request = pair_request(prompt, response, raw);
  const Scored scored = EndogenousScorer(*engine, cache, options).score(std::span(&request, 1)).front();
  REQUIRE_MESSAGE(scored.responses.front().scored, scored.responses.front().error);
  return scored.responses.front().scored->reward;
}

TurnMarks tabular_marks() {
  TurnMarks marks;
  marks.opening = "[7][6]";
  marks.others = {"[7][1]"};
  marks.opening_ids = {7, 6};
  marks.other_ids = {{7, 1}};
  marks.specials = {"[0]", "[1]", "[6]", "[7]"};
  marks.fillers = {"[0]"};
  marks.filler_ids = {0};
  return marks;
}

ServedModel served_tabular(const std::string& name, std::unique_ptr<Engine> engine, QueueOptions queue,
                           std::optional<double> unscored) {
  ServedModel model;
  model.name = name;
  model.context.model = name;
  model.context.marks = std::make_shared<const TurnMarks>(tabular_marks());
  model.context.version = "test";
  model.context.unscored = unscored;
  model.context.longest = engine->capabilities().context;
  model.queue = std::make_unique<RewardQueue>(std::move(engine), queue);
  return model;
}

RunningServer::RunningServer(std::vector<std::unique_ptr<Engine>> engines, ServerOptions server, QueueOptions queue,
                             std::optional<double> unscored) {
  std::vector<ServedModel> models;
  for (std::unique_ptr<Engine>& engine : engines) {
    models.push_back(served_tabular("tabular" + std::to_string(models.size()), std::move(engine), queue, unscored));
  }
  server.port = 0;
  server_ = std::make_unique<RewardServer>(std::move(server));
  port_ = server_->bind();
  server_->take(std::move(models));
  thread_ = std::thread([this] { server_->run(); });
}

RunningServer::~RunningServer() { stop(); }

void RunningServer::stop() {
  if (!stopped_) {
    stopped_ = true;
    server_->stop();
    thread_.join();
  }
}

httplib::Client RunningServer::client() const {
  httplib::Client client("127.0.0.1", port_);
  client.set_read_timeout(60);
  return client;
}

httplib::Result RunningServer::post(const std::string& path, const std::string& body) const {
  auto result = client().Post(path, body, "application/json");
  REQUIRE_MESSAGE(result, path << ": " << httplib::to_string(result.error()));
  return result;
}

nlohmann::json RunningServer::reply(const std::string& path, const nlohmann::json& body) const {
  const auto result = post(path, body.dump());
  REQUIRE_MESSAGE(result->status == 200, path << ": " << result->body);
  return nlohmann::json::parse(result->body);
}

}  // namespace endorm
