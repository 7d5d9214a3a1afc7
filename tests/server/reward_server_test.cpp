#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "tests/server/running_server.h"
#include "tests/server/wire.h"

// What a server does beside rewards: refusing, waiting, forgetting, stopping.
namespace endorm {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

const std::string kBody = R"({"prompt": "[1][2]", "response": "[3][4]"})";

TEST_CASE("many clients at once get their own rewards, and bad ones among them cost nobody theirs") {
  QueueOptions queue;
  queue.linger = milliseconds(5);
  const RunningServer server(one(tabular_engine()), {}, queue);
  std::atomic<int> right = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 16; ++client) {
    clients.emplace_back([&, client] {
      httplib::Client http = server.client();
      http.set_keep_alive(client % 2 == 0);
      for (int i = 0; i < 20; ++i) {
        const std::string response = "[" + std::to_string(client % 8) + "][" + std::to_string(i % 8) + "]";
        const bool bad = (client + i) % 10 == 0;
        const json body = {{"prompt", "[1][2]"}, {"response", bad ? response + "?" : response}};
        const auto result = http.Post("/remote_rm", body.dump(), "application/json");
        if (!result) {
          continue;
        }
        if (bad) {
          refused += result->status == 400 ? 1 : 0;
        } else {
          right += result->status == 200 && json::parse(result->body) == scored_alone("[1][2]", response, true) ? 1 : 0;
        }
      }
    });
  }
  for (std::thread& client : clients) {
    client.join();
  }
  CHECK(refused == 32);
  CHECK(right == 16 * 20 - 32);
  const std::string metrics = server.client().Get("/metrics")->body;
  CHECK(metrics.find("endorm_requests_total{route=\"/remote_rm\",status=\"200\"} 288") != std::string::npos);
  CHECK(metrics.find("endorm_waiting_responses{model=\"tabular0\"} 0") != std::string::npos);
}

TEST_CASE("more than may wait is refused with 429 and a time to come again") {
  QueueOptions queue;
  queue.most_waiting = 4;
  queue.linger = milliseconds(0);
  const RunningServer server(one(tabular_engine(milliseconds(60))), {}, queue);
  std::vector<std::thread> clients;
  std::atomic<int> refused = 0;
  std::atomic<int> answered = 0;
  for (int client = 0; client < 12; ++client) {
    clients.emplace_back([&, client] {
      const json body = {{"prompt", "[1][" + std::to_string(client % 8) + "]"}, {"response", "[3][4]"}};
      const auto result = server.client().Post("/remote_rm", body.dump(), "application/json");
      if (result && result->status == 429) {
        refused += result->get_header_value("Retry-After") == "1" ? 1 : 0;
      }
      answered += result && result->status == 200 ? 1 : 0;
    });
  }
  for (std::thread& client : clients) {
    client.join();
  }
  CHECK(refused > 0);
  CHECK(answered > 0);
  CHECK(refused + answered == 12);
  // What can never fit is the client's fault.
  CHECK(server.post("/v1/rewards", R"({"prompt": "[1]", "responses": ["[1]","[1]","[1]","[1]","[1]"]})")->status ==
        400);
}

TEST_CASE("a request that takes too long, or whose client leaves, is given up") {
  ServerOptions options;
  options.timeout = milliseconds(100);
  const RunningServer server(one(tabular_engine(milliseconds(300))), options);
  CHECK(server.post("/v1/rewards", kBody)->status == 504);
  httplib::Client impatient = server.client();
  impatient.set_read_timeout(milliseconds(30));
  CHECK_FALSE(impatient.Post("/v1/rewards", kBody, "application/json"));
  std::this_thread::sleep_for(milliseconds(400));
  const std::string metrics = server.client().Get("/metrics")->body;
  CHECK(metrics.find("endorm_requests_given_up_total 2") != std::string::npos);
}

TEST_CASE("a key is asked for everywhere but where no reward is") {
  ServerOptions options;
  options.api_keys = {"secret"};
  const RunningServer server(one(tabular_engine()), options);
  httplib::Client client = server.client();
  CHECK(client.Post("/v1/rewards", kBody, "application/json")->status == 401);
  CHECK(client.Get("/metrics")->status == 401);
  CHECK(client.Get("/health")->status == 200);
  client.set_bearer_token_auth("secre");
  CHECK(client.Post("/v1/rewards", kBody, "application/json")->status == 401);
  client.set_bearer_token_auth("secret");
  CHECK(client.Post("/v1/rewards", kBody, "application/json")->status == 200);
  CHECK(json::parse(client.Get("/openapi.json")->body)["security"].size() == 1);
}

TEST_CASE("an address that other machines reach is not served without a key") {
  ServerOptions options;
  options.host = "0.0.0.0";
  CHECK_THROWS_WITH_AS(RunningServer(one(tabular_engine()), options), doctest::Contains("--api-key"), InvalidInput);
}

TEST_CASE("what is too large, unknown or no HTTP is refused") {
  ServerOptions options;
  options.limits.body_bytes = 1000;
  const RunningServer server(one(tabular_engine()), options);
  CHECK(server.post("/v1/rewards", std::string(2000, ' '))->status == 413);
  CHECK(server.post("/nothing", "{}")->status == 404);
  const auto wrong = server.client().Get("/v1/rewards");
  CHECK(wrong->status == 405);
  CHECK(wrong->get_header_value("Allow") == "POST");
  CHECK(json::parse(wrong->body)["error"]["code"] == 405);
  CHECK(server.post("/v1/rewards", kBody)->status == 200);
}

TEST_CASE("what is refused before a route has it is logged and counted, too") {
  ServerOptions options;
  options.limits.body_bytes = 1000;
  std::mutex mutex;
  std::vector<int> statuses;
  options.log = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    statuses.push_back(json::parse(line)["status"]);
  };
  const RunningServer server(one(tabular_engine()), options);
  server.post("/v1/rewards", std::string(2000, ' '));
  server.post("/nothing", "{}");
  server.post("/v1/rewards", kBody);
  const std::string metrics = server.client().Get("/metrics")->body;
  CHECK(metrics.find("endorm_requests_total{route=\"other\",status=\"404\"} 1") != std::string::npos);
  CHECK(metrics.find("endorm_requests_total{route=\"/v1/rewards\",status=\"413\"} 1") != std::string::npos);
  const std::lock_guard lock(mutex);
  CHECK(statuses == std::vector<int>{413, 404, 200, 200});
}

TEST_CASE("whatever is refused keeps the client's name for it and its path as sent, in answer and log") {
  ServerOptions options;
  options.api_keys = {"secret"};
  options.limits.body_bytes = 1000;
  options.limits.head_time = options.limits.body_time = milliseconds(200);
  std::mutex mutex;
  std::map<std::string, json> lines;
  options.log = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    const json told = json::parse(line);
    lines[told["id"]] = told;
  };
  const RunningServer server(one(tabular_engine()), options);
  const std::string path = "/v1/rewards?of=%41&%zz";
  const std::string key = "Authorization: Bearer secret\r\n";
  struct Sent {
    int status;
    std::string method;
    std::string version;
    std::string behind_id;
  };
  const std::vector<Sent> all = {{400, "POST", "1.1", "Host localhost\r\n\r\n"},
                                 {401, "POST", "1.1", "Host: localhost\r\n\r\n"},
                                 {403, "POST", "1.1", "Host: localhost\r\nOrigin: http://other.example\r\n\r\n"},
                                 {405, "DELETE", "1.1", "Host: localhost\r\n" + key + "\r\n"},
                                 {408, "POST", "1.1", "Host: local"},
                                 {408, "POST", "1.1", "Host: localhost\r\n" + key + "Content-Length: 9\r\n\r\n{"},
                                 {413, "POST", "1.1", "Host: localhost\r\n" + key + "Content-Length: 2000\r\n\r\n"},
                                 {417, "POST", "1.1", "Host: localhost\r\n" + key + "Expect: 9\r\n\r\n"},
                                 {431, "POST", "1.1", "X: " + std::string(70'000, 'x') + "\r\n\r\n"},
                                 {505, "POST", "3.0", "Host: localhost\r\n\r\n"}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string id = "mine-" + std::to_string(i);
    const Wire wire(server.port());
    wire.send(all[i].method + " " + path + " HTTP/" + all[i].version + "\r\nConnection: close\r\nx-request-id: " + id +
              "\r\n" + all[i].behind_id);
    const std::string answer = wire.until_end();
    CHECK_MESSAGE(answer.starts_with("HTTP/1.1 " + std::to_string(all[i].status)), i << answer);
    CHECK_MESSAGE(answer.find("X-Request-Id: " + id + "\r\n") != std::string::npos, i << answer);
    const std::lock_guard lock(mutex);
    REQUIRE_MESSAGE(lines.contains(id), i);
    CHECK(lines[id]["status"] == all[i].status);
    CHECK(lines[id]["path"] == path);
    CHECK(lines[id]["method"] == all[i].method);
  }
}

TEST_CASE("an answer is whole, whatever Range asks for") {
  const RunningServer server(one(tabular_engine()));
  const auto result = server.client().Post("/remote_rm", httplib::Headers{{"Range", "bytes=0-2"}},
                                           R"({"prompt": "[1][2]", "response": "[3][4]"})", "application/json");
  CHECK(result->status == 200);
  CHECK(json::parse(result->body) == scored_alone("[1][2]", "[3][4]", true));
}

TEST_CASE("a port that another server has cannot be had") {
  const RunningServer server(one(tabular_engine()));
  ServerOptions options;
  options.port = server.port();
  RewardServer second(options);
  CHECK_THROWS_AS(second.bind(), EngineError);
}

TEST_CASE("several models: a request names one") {
  std::vector<std::unique_ptr<Engine>> engines = one(tabular_engine());
  engines.push_back(tabular_engine());
  const RunningServer server(std::move(engines));
  const json body = json::parse(kBody);
  json named = body;
  named["model"] = "tabular1";
  CHECK(server.reply("/v1/rewards", named)["model"] == "tabular1");
  CHECK(server.reply("/v1/rewards", body)["model"] == "tabular0");
  named["model"] = "another";
  CHECK(server.post("/v1/rewards", named.dump())->status == 404);
  const json models = json::parse(server.client().Get("/v1/models")->body)["data"];
  REQUIRE(models.size() == 2);
  CHECK(models[0]["created"].get<std::int64_t>() > 1'700'000'000);
  CHECK(json::parse(server.client().Get("/v1/models/tabular1")->body) == models[1]);
  const auto absent = server.client().Get("/v1/models/another");
  CHECK(absent->status == 404);
  CHECK(absent->body.find("tabular0, tabular1") != std::string::npos);
}

TEST_CASE("stopping answers what was taken and takes nothing more") {
  QueueOptions queue;
  queue.linger = milliseconds(0);
  queue.batch_responses = 1;
  RunningServer server(one(tabular_engine(milliseconds(20))), {}, queue);
  REQUIRE(server.client().Get("/health"));  // it takes connections now
  std::atomic<int> lost = 0;
  std::atomic<int> answered = 0;
  std::atomic<int> turned_away = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < 50; ++i) {
        const json body = {{"prompt", "[1][" + std::to_string(client) + "]"},
                           {"response", "[" + std::to_string(i % 8) + "]"}};
        const auto result = server.client().Post("/remote_rm", body.dump(), "application/json");
        if (!result) {
          lost += result.error() == httplib::Error::Connection ? 0 : 1;  // no connection: nothing was taken
          return;
        }
        answered += result->status == 200 ? 1 : 0;
        if (result->status != 200) {
          turned_away += result->status == 503 ? 1 : 100;
          return;
        }
      }
    });
  }
  std::this_thread::sleep_for(milliseconds(300));
  server.stop();
  for (std::thread& client : clients) {
    client.join();
  }
  CHECK(lost == 0);
  CHECK(answered > 0);
  CHECK(turned_away <= 8);
}

TEST_CASE("the description knows every route that answers") {
  ServerOptions options;
  options.load = [](const ModelOrder&) -> ServedModel { throw InvalidInput("[test] it is never called"); };
  const RunningServer server(one(tabular_engine()), options);
  const json paths = json::parse(server.client().Get("/openapi.json")->body)["paths"];
  std::set<std::string> described;
  for (const auto& [path, methods] : paths.items()) {
    described.insert(path);
    const bool takes_anything = path.ends_with("_session");
    const auto result = methods.contains("post")    ? server.post(path, "{}")
                        : path == "/v1/models/{id}" ? server.client().Get("/v1/models/tabular0")
                                                    : server.client().Get(path);
    const int refused = path == "/v1/load" ? 403 : 400;
    CHECK_MESSAGE(result->status == (methods.contains("post") && !takes_anything ? refused : 200), path);
  }
  for (const ProtocolRoute& route : protocol_routes()) {
    CHECK_MESSAGE(described.contains(route.path), route.path);
  }
  for (const char* page : {"/", "/docs"}) {
    CHECK(server.client().Get(page)->get_header_value("Content-Type") == "text/html; charset=utf-8");
  }
}

}  // namespace
}  // namespace endorm
