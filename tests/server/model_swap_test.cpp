#include <atomic>
#include <condition_variable>
#include <ctime>
#include <map>
#include <mutex>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "tests/server/running_server.h"
#include "tests/temporary_directory.h"

// POST /v1/load: another model in a model's place.
namespace endorm {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr int kSeconds = 60;  // until what must happen is given up

// What happens once, and other threads wait for.
class Occasion {
 public:
  void come() {
    const std::lock_guard lock(mutex_);
    came_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(kSeconds), [this] { return came_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool came_ = false;
};

template <typename Condition>
bool comes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kSeconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

// The path of a model is the seed of its logits.
ServedModel load_seed(const ModelOrder& order) {
  ServedModel model = served_tabular(order.model, tabular_engine(milliseconds(0), std::stoull(order.path)));
  model.description = "seed " + order.path;
  return model;
}

ServerOptions with_key(std::function<ServedModel(const ModelOrder&)> load) {
  ServerOptions options;
  options.api_keys = {"secret"};
  options.load = std::move(load);
  return options;
}

httplib::Client client_of(const RunningServer& server) {
  httplib::Client client = server.client();
  client.set_bearer_token_auth("secret");
  return client;
}

httplib::Result load(const RunningServer& server, const json& order) {
  auto result = client_of(server).Post("/v1/load", order.dump(), "application/json");
  REQUIRE_MESSAGE(result, httplib::to_string(result.error()));
  return result;
}

std::string message_of_error(const httplib::Result& result) { return json::parse(result->body)["error"]["message"]; }

TEST_CASE("models change while clients ask: each answer is that of one of them, and the next that of the new one") {
  constexpr std::uint64_t kSwaps = 6;
  constexpr int kResponses = 8;
  const auto response_of = [](int i) { return "[" + std::to_string(i) + "][4]"; };
  std::map<std::pair<std::uint64_t, int>, double> rewards;
  for (std::uint64_t seed = 0; seed <= kSwaps; ++seed) {
    for (int i = 0; i < kResponses; ++i) {
      rewards[{seed, i}] = scored_alone("[1][2]", response_of(i), true, {}, seed);
    }
  }
  const RunningServer server(one(tabular_engine()), with_key(load_seed));
  std::atomic<std::uint64_t> served = 0;  // the latest whose loading was answered
  std::atomic<bool> over = false;
  std::atomic<int> right = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 6; ++client) {
    clients.emplace_back([&, client] {
      httplib::Client http = client_of(server);
      http.set_keep_alive(client % 2 == 0);
      for (int i = client; !over; ++i) {
        const std::uint64_t first = served;
        const json body = {{"prompt", "[1][2]"}, {"response", response_of(i % kResponses)}};
        const auto result = http.Post("/remote_rm", body.dump(), "application/json");
        bool known = false;
        for (std::uint64_t seed = first; result && seed <= std::min<std::uint64_t>(kSwaps, served + 1); ++seed) {
          known = known || (result->status == 200 && json::parse(result->body) == rewards[{seed, i % kResponses}]);
        }
        ++(known ? right : wrong);
        const json text = {{"prompt", "[1][2][3]"}, {"echo", true}, {"logprobs", 1}, {"max_tokens", 1}};
        const auto completed = http.Post("/v1/completions", text.dump(), "application/json");
        wrong += completed && completed->status == 200 ? 0 : 1;
      }
    });
  }
  for (std::uint64_t seed = 1; seed <= kSwaps; ++seed) {
    const int before = right;
    CHECK(comes_true([&] { return right > before + 12 || wrong > 0; }));
    const json order = {{"model", "tabular0"}, {"path", std::to_string(seed)}};
    CHECK(comes_true([&] {  // the one before is answering still: 409
      const int status = load(server, order)->status;
      REQUIRE((status == 200 || status == 409));
      return status == 200;
    }));
    served = seed;
    const json body = {{"prompt", "[1][2]"}, {"response", response_of(0)}};
    const auto result = client_of(server).Post("/remote_rm", body.dump(), "application/json");
    CHECK(json::parse(result->body) == rewards[{seed, 0}]);
  }
  over = true;
  for (std::thread& client : clients) {
    client.join();
  }
  CHECK(wrong == 0);
}

TEST_CASE("what was taken is answered by the model before, which is then freed; until then no other is loaded") {
  Occasion asked;
  Occasion answer;
  auto alive = std::make_shared<int>(0);  // as long as the engine
  const std::weak_ptr<int> old = alive;
  const RunningServer server(one(tabular_engine([&, alive = std::move(alive)](std::span<const Token> path) {
                               asked.come();
                               CHECK(answer.wait());
                               return tabular_logits(path);
                             })),
                             with_key(load_seed));
  const json body = {{"prompt", "[1][2]"}, {"response", "[3][4]"}};
  const auto models = [&] { return json::parse(client_of(server).Get("/v1/models")->body)["data"]; };
  const auto created = models()[0]["created"].get<std::time_t>();
  std::thread early([&] {
    const auto result = client_of(server).Post("/remote_rm", body.dump(), "application/json");
    CHECK(json::parse(result->body) == scored_alone("[1][2]", "[3][4]", true));
  });
  CHECK(asked.wait());
  CHECK(comes_true([&] { return std::time(nullptr) > created; }));
  const auto loaded = load(server, {{"model", "tabular0"}, {"path", "1"}});
  CHECK(loaded->status == 200);
  CHECK(json::parse(loaded->body) == models()[0]);
  CHECK(models()[0]["created"].get<std::time_t>() > created);
  CHECK(models()[0]["description"] == "seed 1");
  const auto late = client_of(server).Post("/remote_rm", body.dump(), "application/json");
  CHECK(json::parse(late->body) == scored_alone("[1][2]", "[3][4]", true, {}, 1));
  CHECK(load(server, {{"model", "tabular0"}, {"path", "2"}})->status == 409);
  CHECK_FALSE(old.expired());
  answer.come();
  early.join();
  CHECK(comes_true([&] { return old.expired(); }));
  CHECK(comes_true([&] { return load(server, {{"model", "tabular0"}, {"path", "2"}})->status == 200; }));
}

TEST_CASE("one load at a time, and a model that cannot be loaded changes nothing") {
  Occasion begun;
  Occasion end;
  const RunningServer server(one(tabular_engine()), with_key([&](const ModelOrder& order) -> ServedModel {
                               if (order.path == "broken") {
                                 throw EngineError("[load model] broken does not load: it is cut off");
                               }
                               if (order.path == "absent") {
                                 throw InvalidInput("[load model] there is no absent");
                               }
                               CHECK(order.adapters == std::vector<std::string>{"a.gguf:0.5", "b.gguf"});
                               begun.come();
                               CHECK(end.wait());
                               return load_seed(order);
                             }));
  std::thread first([&] {
    const json order = {{"model", "tabular0"}, {"path", "1"}, {"adapter", {"a.gguf:0.5", "b.gguf"}}};
    CHECK(load(server, order)->status == 200);
  });
  CHECK(begun.wait());
  const auto second = load(server, {{"model", "tabular0"}, {"path", "2"}});
  CHECK(second->status == 409);
  CHECK(contains(message_of_error(second), "another model is being loaded"));
  end.come();
  first.join();
  std::optional<httplib::Result> broken;
  CHECK(comes_true([&] {  // the one before is freed
    broken = load(server, {{"model", "tabular0"}, {"path", "broken"}});
    return (*broken)->status != 409;
  }));
  CHECK((*broken)->status == 503);
  CHECK(contains(message_of_error(*broken), "it is cut off"));
  CHECK(comes_true([&] { return load(server, {{"model", "tabular0"}, {"path", "absent"}})->status == 400; }));
  const json body = {{"prompt", "[1][2]"}, {"response", "[3][4]"}};
  const auto result = client_of(server).Post("/remote_rm", body.dump(), "application/json");
  CHECK(json::parse(result->body) == scored_alone("[1][2]", "[3][4]", true, {}, 1));
}

TEST_CASE("an order that is none is refused, and any where the server has no key") {
  const RunningServer server(one(tabular_engine()), with_key(load_seed));
  const auto refused = [&](const json& order) {
    std::optional<httplib::Result> result;
    CHECK(comes_true([&] {
      result = load(server, order);
      return (*result)->status != 409;  // the one before ends behind its answer
    }));
    return std::pair((*result)->status, message_of_error(*result));
  };
  CHECK(refused({{"model", "another"}, {"path", "1"}}).first == 404);
  CHECK(contains(refused({{"model", "another"}, {"path", "1"}}).second, "There are tabular0."));
  for (const json& order :
       {json{{"path", "1"}}, json{{"model", "tabular0"}}, json{{"model", "tabular0"}, {"path", ""}},
        json{{"model", "tabular0"}, {"path", 1}}, json{{"model", "tabular0"}, {"path", "1"}, {"adapter", 1}},
        json{{"model", "tabular0"}, {"path", "1"}, {"lora", "a"}}}) {
    CHECK_MESSAGE(refused(order).first == 400, order.dump());
  }
  CHECK(server.client().Post("/v1/load", "{}", "application/json")->status == 401);
  CHECK(client_of(server).Get("/v1/load")->status == 405);
  ServerOptions open;
  open.load = load_seed;
  const RunningServer keyless(one(tabular_engine()), open);
  const auto result = keyless.post("/v1/load", R"({"model": "tabular0", "path": "1"})");
  CHECK(result->status == 403);
  CHECK(contains(message_of_error(result), "asks for no API key"));
}

}  // namespace
}  // namespace endorm
