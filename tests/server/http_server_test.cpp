#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>
#include <unistd.h>

#include "app/server/api_keys.h"
#include "app/server/log_writer.h"
#include "app/server/queue_watch.h"
#include "app/server/strangers.h"
#include "core/errors.h"
#include "tests/server/running_server.h"
#include "tests/server/wire.h"

// What a server of HTTP owes connections, whatever they carry.
namespace endorm {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

const std::string kPair = R"({"prompt": "[1][2]", "response": "[3][4]"})";
const std::string kHost = "Host: localhost\r\n";

std::string post_of(const std::string& body, const std::string& more = "") {
  return "POST /remote_rm HTTP/1.1\r\n" + kHost + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

TEST_CASE("requests that come at once are answered in their order") {
  const RunningServer server(one(tabular_engine()));
  const Wire wire(server.port());
  std::string all;
  for (int i = 0; i < 20; ++i) {
    all += post_of(kPair, "X-Request-Id: number-" + std::to_string(i) + "\r\n") + "GET /health HTTP/1.1\r\n" + kHost +
           "X-Request-Id: health-" + std::to_string(i) + "\r\n\r\n";
  }
  wire.send(all);
  const std::string replies = wire.until("HTTP/1.1 200 OK", 40);
  std::size_t at = 0;
  for (int i = 0; i < 20; ++i) {
    for (const char* what : {"number-", "health-"}) {
      at = replies.find("X-Request-Id: " + (what + std::to_string(i)) + "\r\n", at);
      REQUIRE_MESSAGE(at != std::string::npos, what << i);
    }
  }
}

TEST_CASE("forms of HTTP that clients speak") {
  const RunningServer server(one(tabular_engine()));
  const double reward = scored_alone("[1][2]", "[3][4]", true);
  SUBCASE("a body in chunks, a byte each") {
    const Wire wire(server.port());
    wire.send("POST /remote_rm HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    for (const char byte : kPair) {
      wire.send("1\r\n" + std::string(1, byte) + "\r\n");
    }
    wire.send("0\r\n\r\n");
    const std::string reply = wire.until_end();
    CHECK(json::parse(reply.substr(reply.find("\r\n\r\n") + 4)) == reward);
    CHECK(reply.find("Connection: close") != std::string::npos);
  }
  SUBCASE("Expect: 100-continue") {
    const Wire wire(server.port());
    wire.send("POST /remote_rm HTTP/1.1\r\n" + kHost +
              "Expect: 100-continue\r\nContent-Length: " + std::to_string(kPair.size()) + "\r\n\r\n");
    CHECK(wire.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    wire.send(kPair);
    CHECK(wire.until("HTTP/1.1 200 OK").starts_with("HTTP/1.1 200 OK"));
  }
  SUBCASE("HTTP/1.0 ends the connection, unless it is asked to stay") {
    const Wire wire(server.port());
    wire.send("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(wire.until("\"ok\"").find("Connection: keep-alive") != std::string::npos);
    wire.send("GET /health HTTP/1.0\r\n\r\n");
    CHECK(wire.until_end().starts_with("HTTP/1.1 200 OK"));
  }
  SUBCASE("HEAD has the head of GET, and the next answer behind it") {
    const Wire wire(server.port());
    wire.send("HEAD /health HTTP/1.1\r\n" + kHost + "\r\nGET /nothing HTTP/1.1\r\n" + kHost + "\r\n");
    const std::string replies = wire.until("there is no /nothing");
    CHECK(replies.find("\"ok\"") == std::string::npos);
    CHECK(replies.find("Content-Length: 15\r\n\r\nHTTP/1.1 404") != std::string::npos);
  }
  SUBCASE("what is no HTTP") {
    for (const std::string& sent :
         {std::string("GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
          std::string("GET /health HTTP/1.1\r\n\r\n"), "GET /\xff HTTP/1.1\r\n" + kHost + "\r\n",
          std::string("GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), std::string("\x16\x03\x01\r\n\r\n")}) {
      const Wire wire(server.port());
      wire.send(sent);
      const std::string reply = wire.until_end();
      CHECK_MESSAGE(reply.starts_with("HTTP/1.1 400"), sent << " -> " << reply);
      CHECK(json::parse(reply.substr(reply.find("\r\n\r\n") + 4))["error"]["code"] == 400);
    }
  }
  SUBCASE("a head that is too large") {
    const Wire wire(server.port());
    wire.send("GET /health HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
    CHECK(wire.until_end().starts_with("HTTP/1.1 431"));
  }
}

TEST_CASE("heads, bodies and connections have their time") {
  ServerOptions options;
  options.limits.head_time = options.limits.body_time = options.limits.keep_alive = milliseconds(400);
  const RunningServer server(one(tabular_engine()), options);
  const Wire head(server.port());
  const Wire body(server.port());
  const Wire idle(server.port());
  std::atomic<bool> over = false;
  std::thread drips([&] {
    head.send("GET /health HTTP/1.1\r\nX: ");
    body.send("POST /remote_rm HTTP/1.1\r\n" + kHost + "Content-Length: 100000\r\n\r\n");
    for (int i = 0; i < 10 && !over; ++i) {  // what is sent later finds the connection ended
      std::this_thread::sleep_for(milliseconds(30));
      head.send("x");
      body.send(" ");
    }
  });
  CHECK(idle.until_end().empty());
  CHECK(head.until_end().starts_with("HTTP/1.1 408"));
  CHECK(body.until_end().starts_with("HTTP/1.1 408"));
  over = true;
  drips.join();
  CHECK(server.client().Get("/health")->status == 200);
}

TEST_CASE("beside connections that say nothing others are answered") {
  const RunningServer server(one(tabular_engine()));
  std::vector<std::unique_ptr<Wire>> idle;
  for (int i = 0; i < 400; ++i) {
    idle.push_back(std::make_unique<Wire>(server.port()));
    if (i % 2 == 0) {
      idle.back()->send("POST /v1/rewards HTTP/1.1\r\nX: ");
    }
  }
  const auto began = std::chrono::steady_clock::now();
  CHECK(server.post("/remote_rm", kPair)->status == 200);
  const std::string metrics = server.client().Get("/metrics")->body;
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
  CHECK(metrics.find("endorm_connections 40") != std::string::npos);
  CHECK(metrics.find("endorm_build_info{version=") != std::string::npos);
}

TEST_CASE("a stream goes to a client that reads late, and ends where its client leaves") {
  const RunningServer server(one(tabular_engine(milliseconds(5))));
  json body = {{"records", json::array()}, {"stream", true}};
  for (int i = 0; i < 40; ++i) {
    body["records"].push_back({{"prompt", "[1]"}, {"response", "[" + std::to_string(i % 8) + "][3][2]"}});
  }
  const std::string text = body.dump();
  const std::string asked =
      "POST /v1/rewards HTTP/1.1\r\n" + kHost + "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
  {
    const Wire leaves(server.port());
    leaves.send(asked);
    CHECK(leaves.until("\r\n\r\n").find("Transfer-Encoding: chunked") != std::string::npos);
  }
  const Wire late(server.port());
  late.send(asked + "GET /health HTTP/1.1\r\n" + kHost + "\r\n");
  std::this_thread::sleep_for(milliseconds(300));
  const std::string reply = late.until("{\"status\":\"ok\"}");
  std::size_t lines = 0;
  for (std::size_t at = reply.find("\"responses\""); at != std::string::npos;
       at = reply.find("\"responses\"", at + 1)) {
    ++lines;
  }
  CHECK(lines == 40);
}

TEST_CASE("strangers are refused, whatever they ask") {
  ServerOptions options;
  options.allowed_hosts = {"rewards.example.org"};
  const RunningServer server(one(tabular_engine()), options);
  struct Asked {
    std::string host;
    httplib::Headers headers;
    int status;
  };
  const std::string own = "localhost:" + std::to_string(server.port());
  const std::vector<Asked> all = {
      {own, {}, 200},
      {"127.0.0.1", {}, 200},
      {"127.1.2.3:80", {}, 200},
      {"[::1]:8000", {}, 200},
      {"LocalHost.", {}, 200},
      {"rewards.example.org:8000", {}, 200},
      {"evil.example.org", {}, 421},
      {"127.0.0.1.evil.example.org", {}, 421},
      {"localhost.evil.example.org", {}, 421},
      {own, {{"Origin", "http://" + own}}, 200},
      {own, {{"Origin", "https://rewards.example.org"}}, 200},
      {own, {{"Origin", "http://evil.example.org"}}, 403},
      {own, {{"Origin", "http://localhost:1"}}, 403},
      {own, {{"Origin", "null"}}, 403},
      {own, {{"Sec-Fetch-Site", "cross-site"}}, 403},
      {own, {{"Sec-Fetch-Site", "same-origin"}}, 200},
      {own, {{"Sec-Fetch-Site", "none"}}, 200},
  };
  for (const Asked& asked : all) {
    httplib::Client client = server.client();
    httplib::Headers headers = asked.headers;
    headers.emplace("Host", asked.host);
    CHECK_MESSAGE(client.Post("/remote_rm", headers, kPair, "application/json")->status == asked.status, asked.host);
    CHECK_MESSAGE(client.Get("/v1/models", headers)->status == asked.status, asked.host);
    CHECK((client.Options("/remote_rm", headers)->status == asked.status || asked.status == 200));
  }
  // A probe asks by whatever name the machine has.
  CHECK(server.client().Get("/health", httplib::Headers{{"Host", "10.0.0.7:8000"}})->status == 200);
  CHECK(server.client().Get("/metrics", httplib::Headers{{"Host", "10.0.0.7:8000"}})->status == 421);
  for (const char* page : {"/", "/docs"}) {
    const auto reply = server.client().Get(page);
    const std::string policy = reply->get_header_value("Content-Security-Policy");
    CHECK(policy.find("script-src 'sha256-") != std::string::npos);
    CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
    CHECK(policy.find("script-src 'unsafe-inline'") == std::string::npos);
  }
}

TEST_CASE("keys: several, of a file that is read again, in any case of Bearer") {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / ("keys_" + std::to_string(::getpid()));
  const auto write = [&](const std::string& text) { std::ofstream(file) << text; };
  write("# of the first team\n  first  \n\nsecond # and of another\n");
  ServerOptions options;
  options.api_keys = {"given"};
  options.api_key_file = file;
  RunningServer server(one(tabular_engine()), options);
  const auto status = [&](const std::string& authorization) {
    return server.client()
        .Get("/v1/models", httplib::Headers{{"Authorization", authorization}, {"Host", "any.example.org"}})
        ->status;
  };
  for (const char* right : {"Bearer given", "bearer first", "BEARER second", "Bearer  first"}) {
    CHECK_MESSAGE(status(right) == 200, right);
  }
  for (const char* wrong : {"Bearer", "Basic given", "given", "Bearer third", "Bearer #"}) {
    CHECK_MESSAGE(status(wrong) == 401, wrong);
  }
  write("third\n");
  CHECK(status("Bearer third") == 401);
  server.server().read_keys_again();
  CHECK(status("Bearer third") == 200);
  CHECK(status("Bearer first") == 401);
  write("# none\n");
  CHECK_THROWS_AS(server.server().read_keys_again(), InvalidInput);
  CHECK(status("Bearer third") == 200);
  std::filesystem::remove(file);
  CHECK_THROWS_WITH_AS(ApiKeys({" \t"}, ""), doctest::Contains("white space"), InvalidInput);
  CHECK_THROWS_AS(ApiKeys({""}, ""), InvalidInput);
  CHECK_THROWS_AS(ApiKeys({}, file), InvalidInput);
}

TEST_CASE("before its models are there a server is alive and not ready") {
  ServerOptions options;
  options.port = 0;
  options.health_port = 0;
  RewardServer server(options);
  const int port = server.bind();
  std::thread runs([&] { server.run(); });
  httplib::Client client("127.0.0.1", port);
  CHECK(client.Get("/health")->status == 200);
  const auto ready = client.Get("/ready");
  CHECK(ready->status == 503);
  CHECK(json::parse(ready->body)["error"]["type"] == "loading");
  const auto early = client.Post("/remote_rm", kPair, "application/json");
  CHECK(early->status == 503);
  CHECK(early->get_header_value("Retry-After") == "1");
  CHECK(client.Get("/metrics")->status == 200);
  httplib::Client health("127.0.0.1", server.health_port());
  CHECK(health.Get("/health")->status == 200);
  CHECK(health.Get("/metrics")->status == 200);
  CHECK(health.Post("/remote_rm", kPair, "application/json")->status == 404);
  std::vector<ServedModel> models(1);
  models.front().name = "tabular";
  models.front().queue = std::make_unique<RewardQueue>(tabular_engine(), QueueOptions());
  server.take(std::move(models));
  CHECK(client.Get("/ready")->status == 200);
  CHECK(client.Post("/remote_rm", kPair, "application/json")->status == 200);
  server.stop();
  runs.join();
}

TEST_CASE("a queue in which something waits and nothing ends is told of") {
  QueueWatch watch;
  const auto begin = QueueWatch::Clock::now();
  const auto look = [&](std::size_t waiting, std::size_t batches, int second) {
    QueueCounts counts;
    counts.waiting = waiting;
    counts.batches = batches;
    watch.look("model", counts, begin + std::chrono::seconds(second));
    return watch.stuck(std::chrono::seconds(60), begin + std::chrono::seconds(second)).empty();
  };
  CHECK(look(0, 0, 0));
  CHECK(look(5, 0, 50));
  CHECK(look(5, 1, 100));
  CHECK(look(5, 1, 150));
  CHECK_FALSE(look(5, 1, 161));
  CHECK(look(5, 2, 162));
}

TEST_CASE("a socket in the file system: for its user, removed at the end, never taken from another") {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("rewards_" + std::to_string(::getpid()))).string();
  ServerOptions options;
  options.unix_socket = path;
  {
    const RunningServer server(one(tabular_engine()), options);
    CHECK(std::filesystem::status(path).permissions() ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    httplib::Client client(path);
    client.set_address_family(AF_UNIX);
    CHECK(client.Post("/remote_rm", httplib::Headers{{"Host", "any"}}, kPair, "application/json")->status == 200);
    RewardServer second(options);
    CHECK_THROWS_AS(second.bind(), EngineError);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  std::ofstream(path) << "a file";
  RewardServer other(options);
  CHECK_THROWS_AS(other.bind(), InvalidInput);
  std::filesystem::remove(path);
}

TEST_CASE("whoever writes the log never waits for who reads it") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::string read;
  {
    LogWriter log(ends[1], 10'000);
    const std::string line(99, 'x');
    for (int i = 0; i < 3000; ++i) {  // more than a pipe and the buffer hold
      log.write(line);
    }
    CHECK(log.dropped() > 0);
    std::thread reads([&] {
      std::vector<char> buffer(1 << 16);
      for (ssize_t count = 1; count > 0 && read.find("were dropped") == std::string::npos;) {
        count = ::read(ends[0], buffer.data(), buffer.size());
        read.append(buffer.data(), static_cast<std::size_t>(count));
      }
    });
    log.flush(std::chrono::seconds(10));
    log.write("the last");
    log.flush(std::chrono::seconds(10));
    log.write("endorm: a line that were dropped never is");  // the reader ends, whatever was said before
    reads.join();
  }
  CHECK(read.find("lines of the log were dropped") != std::string::npos);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace endorm
