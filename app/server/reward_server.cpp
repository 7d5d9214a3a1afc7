#include "app/server/reward_server.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include "app/server/api_keys.h"
#include "app/server/gym_protocol.h"
#include "app/server/http_server.h"
#include "app/server/model_objects.h"
#include "app/server/model_swap.h"
#include "app/server/openapi.h"
#include "app/server/queue_watch.h"
#include "app/server/queued_request.h"
#include "app/server/reward_call.h"
#include "app/server/server_pages.h"
#include "app/server/spare_memory.h"
#include "app/server/strangers.h"
#include "app/server/teacher_protocols.h"
#include "app/server/tokenize_protocol.h"
#include "core/errors.h"

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookAround{20};  // between two looks whether all is answered
// How long a server that stops takes connections at least, to turn away what was on its way.
constexpr std::chrono::milliseconds kLastConnections{200};
constexpr std::chrono::milliseconds kBetweenLooks{500};  // at the queues
constexpr std::size_t kThreads = 4;                      // that read bodies and write answers

const std::string kModels = "/v1/models/";
const std::string kModelRoute = "/v1/models/{id}";

HttpAnswer page_answer(const std::string& page) {
  HttpAnswer answer;
  answer.type = "text/html; charset=utf-8";
  answer.body = page;
  answer.fields = {{"Content-Security-Policy", page_policy(page)}, {"X-Frame-Options", "DENY"}};
  return answer;
}

HttpAnswer text_answer(std::string body, std::string type = "application/json") {
  HttpAnswer answer;
  answer.type = std::move(type);
  answer.body = std::move(body);
  return answer;
}

// No body may be larger than all together.
ServerOptions within_budget(ServerOptions options) {
  options.limits.body_bytes = std::min(options.limits.body_bytes, options.limits.budget->most());
  return options;
}

// Whether a client may ask it without a key.
bool is_open(const std::string& path) {
  return path == "/health" || path == "/ready" || path == "/" || path == "/docs" || path == "/openapi.json";
}

}  // namespace

class RewardServer::Implementation {
 public:
  explicit Implementation(ServerOptions options)
      : options_(within_budget(std::move(options))),
        keys_(options_.api_keys, options_.api_key_file),
        said_(options_.say),
        book_(metrics_, options_.log),
        calls_{book_,
               metrics_,
               said_,
               *options_.limits.budget,
               options_.timeout,
               [this](std::function<void()> act) { http_.work(std::move(act)); }},
        http_(options_.limits,
              {.admit = [this](const HttpRequest& head) { return admit(head); },
               .handle = [this](const std::shared_ptr<HttpRequest>& request,
                                const std::shared_ptr<HttpReply>& reply) { handle(request, reply); },
               .fault = [this](const HttpRequest& head, int status) { return refuse(head, fault_of(status)); }},
              kThreads),
        swap_(book_, metrics_, options_.load, options_.say) {
    if (options_.unix_socket.empty() && !is_loopback(options_.host) && !keys_.asked()) {
      throw InvalidInput("[serve] " + options_.host +
                         " can be reached from other machines: give --api-key, or serve 127.0.0.1 behind a proxy.");
    }
    if (options_.tls_certificate.empty() != options_.tls_key.empty()) {
      throw InvalidInput("[serve] --tls-certificate and --tls-key go together.");
    }
    if (!options_.tls_certificate.empty()) {
      http_.use_tls(options_.tls_certificate, options_.tls_key);
    }
    add_routes();
  }

  ~Implementation() { http_.join(); }

  int bind() {
    if (options_.health_port) {
      health_port_ = http_.listen(options_.host, *options_.health_port, HttpDoor::kHealth);
    }
    if (!options_.unix_socket.empty()) {
      http_.listen_unix(options_.unix_socket);
      return 0;
    }
    return http_.listen(options_.host, options_.port, HttpDoor::kMain);
  }

  int health_port() const { return health_port_; }

  void take(std::vector<ServedModel> models) {
    for (const ServedModel& model : models) {
      say_of(model);
    }
    served_ = std::make_unique<ServedModels>(std::move(models));
    models_ = served_.get();
  }

  void read_keys_again() { keys_.read_again(); }

  void run() {
    http_.every(kBetweenLooks, [this] {
      look_at_queues();
      if (calls_.had_large.exchange(false)) {
        http_.work(give_back_freed_memory);
      }
    });
    http_.run();
  }

  bool stop() {
    draining_ = true;
    const auto begin = Clock::now();
    const auto until = begin + options_.drain;
    const auto turned_away = std::min(until, begin + kLastConnections);
    while ((http_.busy() > 0 || Clock::now() < turned_away) && Clock::now() < until) {
      std::this_thread::sleep_for(kLookAround);
    }
    const bool answered = http_.busy() == 0;
    http_.stop();
    return answered;
  }

 private:
  struct Route {
    std::string methods;
    std::function<HttpAnswer()> get;  // of GET
    bool on_loop = false;             // it is answered by the thread of the loop, and so always
    CallRoute post;                   // of POST
    bool loads = false;               // of POST: not rewards, but another model
  };

  void add_routes() {
    const auto get = [this](const std::string& path, std::function<HttpAnswer()> answer, bool on_loop = false) {
      routes_[path] = {"GET", std::move(answer), on_loop, {}};
    };
    get(
        "/health", [this] { return health(); }, true);
    get(
        "/ready", [this] { return ready(); }, true);
    get(
        "/metrics", [this] { return metrics(); }, true);
    get("/v1/models", [this] { return text_answer(models_.load()->list()); });
    get(kModelRoute, nullptr);
    get("/props", [this] { return text_answer(server_properties(*models_.load()->first()).dump()); });
    get("/tokenizer_info",
        [this] { return text_answer(tokenizer_info(models_.load()->first()->queue->engine()).dump()); });
    get("/reverify_mode", [] { return text_answer(reverify_mode().dump()); });
    get("/openapi.json", [this] { return text_answer(openapi(options_.version, keys_.asked())); });
    get("/", [answer = page_answer(rewards_page())] { return answer; });
    get("/docs", [answer = page_answer(docs_page())] { return answer; });
    for (const ProtocolRoute& route : protocol_routes()) {
      routes_[route.path] = {"POST", nullptr, false, {.protocol = &route}};
    }
    for (const CompletionsRoute& route : completions_routes()) {
      routes_[route.path] = {"POST", nullptr, false, {.completions = &route}};
    }
    if (options_.load) {
      routes_["/v1/load"] = {"POST", nullptr, false, {}, true};
    }
    routes_["/tokenize"] = {"POST", nullptr, false, {.at_once = tokenize_reply}};
    routes_["/detokenize"] = {"POST", nullptr, false, {.at_once = detokenize_reply}};
  }

  // The path as the routes have it; "other": none has.
  std::string route_name(const HttpRequest& request) const {
    const bool one_model = request.path.starts_with(kModels) && request.path.size() > kModels.size();
    const std::string name = one_model ? kModelRoute : std::string(without_rollout(request.path));
    return routes_.contains(name) ? name : "other";
  }

  const Route* route_of(const HttpRequest& request) const {
    const auto found = routes_.find(route_name(request));
    const bool here = found != routes_.end() && (request.door != HttpDoor::kHealth || found->second.on_loop);
    return here ? &found->second : nullptr;
  }

  HttpAnswer refuse(const HttpRequest& head, HttpAnswer answer) {
    return book_.noted(head, book_.id_of(head), route_of(head) ? route_name(head) : "other", std::move(answer));
  }

  // Why a request is not taken; its body need not be known for it.
  std::optional<HttpAnswer> admit(const HttpRequest& head) {
    const Route* route = route_of(head);
    const bool health = route && route->on_loop;
    const bool any_host = keys_.asked() || head.door == HttpDoor::kHealth || (health && head.path != "/metrics");
    if (const auto stranger = refuse_stranger(head, options_.allowed_hosts, any_host)) {
      return refuse(head, error_answer(*stranger));
    }
    if (keys_.asked() && head.door != HttpDoor::kHealth && !is_open(head.path) &&
        !keys_.allow(head.field("Authorization"))) {
      return refuse(head,
                    error_answer({401, "authentication_error", "the server asks for its API key, as a bearer token."}));
    }
    if (route && route->loads && !keys_.asked()) {
      return refuse(head,
                    error_answer({403, "authentication_error",
                                  "the server asks for no API key, and so loads no model that a request names."}));
    }
    if (!health && draining_) {
      return refuse(head, stopping());
    }
    if (!route) {
      return refuse(head, error_answer({404, "invalid_request_error",
                                        "there is no " + head.path.substr(0, 200) + ". See /docs."}));
    }
    if (head.method != route->methods && !(route->methods == "GET" && head.method == "HEAD")) {
      HttpAnswer answer = error_answer({405, "invalid_request_error", head.path + " takes " + route->methods + "."});
      answer.fields.emplace_back("Allow", route->methods);
      return refuse(head, std::move(answer));
    }
    if (!health && models_ == nullptr) {
      return refuse(head, error_answer({503, "loading", "the model is being loaded."}));
    }
    return std::nullopt;
  }

  void handle(const std::shared_ptr<HttpRequest>& request, const std::shared_ptr<HttpReply>& reply) {
    const Route& route = *route_of(*request);
    if (!route.on_loop && draining_) {  // it began before
      reply->send(refuse(*request, stopping()));
    } else if (route.methods == "GET" && !route.get) {
      http_.work([this, request, reply] { reply->send(refuse(*request, model_answer(*request))); });
    } else if (route.loads) {
      swap_.begin(*models_, request, reply);
    } else if (!route.get) {
      std::make_shared<RewardCall>(calls_, request, reply, route_name(*request))->begin(*models_, route.post);
    } else if (route.on_loop) {
      reply->send(refuse(*request, route.get()));
    } else {
      http_.work([this, &route, request, reply] { reply->send(refuse(*request, route.get())); });
    }
  }

  HttpAnswer model_answer(const HttpRequest& request) const {
    try {
      return text_answer(models_.load()->object(request.path.substr(kModels.size())));
    } catch (const RequestRefused& refused) {
      return error_answer(refused.error);
    }
  }

  HttpAnswer fault_of(int status) const {
    switch (status) {
      case 408:
        return error_answer({status, "timeout", "the request came too slowly."});
      case 413:
        return error_answer({status, "invalid_request_error",
                             "the body is larger than the " + std::to_string(options_.limits.body_bytes) +
                                 " bytes that the server takes at once. Send it in parts."});
      case 429:
        return error_answer({status, "overloaded", no_room(*options_.limits.budget).what()});
      case 417:
        return error_answer({status, "invalid_request_error", "\"Expect\" may say 100-continue alone."});
      case 431:
        return error_answer(
            {status, "invalid_request_error",
             "the head of the request is larger than " + std::to_string(options_.limits.head_bytes) + " bytes."});
      default:
        return error_answer({status, "invalid_request_error", "the request is no HTTP that this server reads."});
    }
  }

  void say_of(const ServedModel& model) const {
    if (options_.say && !model.summary.empty()) {
      options_.say("endorm: " + model.summary);
    }
  }

  static HttpAnswer stopping() {
    HttpAnswer answer = error_answer({503, "stopping", "the server is stopping."});
    answer.close = true;
    return answer;
  }

  HttpAnswer health() const { return draining_ ? stopping() : text_answer(R"({"status":"ok"})"); }

  HttpAnswer ready() {
    if (draining_) {
      return stopping();
    }
    if (models_ == nullptr) {
      return error_answer({503, "loading", "the model is being loaded."});
    }
    look_at_queues();
    const std::string stuck = watch_.stuck(options_.ready_within, Clock::now());
    if (!stuck.empty()) {
      return error_answer({503, "stuck", "requests wait for the model " + stuck + ", and none of its work ends."});
    }
    return text_answer(R"({"status":"ready"})");
  }

  void look_at_queues() {
    if (const ServedModels* models = models_) {
      for (const auto& [model, counts] : models->counts()) {
        watch_.look(model, counts.queue, Clock::now());
      }
    }
  }

  HttpAnswer metrics() const {
    const ServedModels* models = models_;
    const auto counts = models ? models->counts() : std::map<std::string, ModelCounts>();
    return text_answer(metrics_.text(counts, http_.connections(), options_.limits.budget->held(), options_.version),
                       "text/plain; version=0.0.4");
  }

  ServerOptions options_;
  ApiKeys keys_;
  std::map<std::string, Route> routes_;
  Metrics metrics_;
  SaidNotes said_;
  AnswerBook book_;
  QueueWatch watch_;  // of the thread of the loop
  int health_port_ = 0;
  std::atomic<bool> draining_ = false;
  CallHouse calls_;
  HttpServer http_;
  std::atomic<ServedModels*> models_ = nullptr;
  std::unique_ptr<ServedModels> served_;  // goes before what its queues call
  ModelSwap swap_;                        // goes before what it changes
};

RewardServer::RewardServer(ServerOptions options)
    : implementation_(std::make_unique<Implementation>(std::move(options))) {}
RewardServer::~RewardServer() = default;
int RewardServer::bind() { return implementation_->bind(); }
int RewardServer::health_port() const { return implementation_->health_port(); }
void RewardServer::take(std::vector<ServedModel> models) { implementation_->take(std::move(models)); }
void RewardServer::read_keys_again() { implementation_->read_keys_again(); }
void RewardServer::run() { implementation_->run(); }
bool RewardServer::stop() { return implementation_->stop(); }

}  // namespace endorm
