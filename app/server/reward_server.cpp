#include "app/server/reward_server.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include <cpp-httplib/httplib.h>

#include "app/server/completions.h"
#include "app/server/gym_protocol.h"
#include "app/server/http_error.h"
#include "app/server/metrics.h"
#include "app/server/model_objects.h"
#include "app/server/openapi.h"
#include "app/server/other_family.h"
#include "app/server/server_pages.h"
#include "app/server/teacher_protocols.h"
#include "app/server/tokenize_protocol.h"
#include "core/errors.h"
#include "score/json_field.h"

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookAround{20};  // between two looks whether a client is still there
// How long a server that stops takes connections at least, to turn away what was on its way.
constexpr std::chrono::milliseconds kLastConnections{200};

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

// What was noticed about the texts of one request.
using Notes = std::set<TextNote>;

// A fault of the request that is not one of its fields.
struct RequestRefused {
  HttpError error;
};

void answer_error(httplib::Response& response, const HttpError& error) {
  response.status = error.status;
  if (error.status == 429 || error.status == 503) {
    response.set_header("Retry-After", "1");
  }
  if (error.status == 401) {
    response.set_header("WWW-Authenticate", "Bearer");
  }
  response.set_content(error_body(error), "application/json");
}

}  // namespace

class RewardServer::Implementation {
 public:
  Implementation(std::vector<ServedModel> models, ServerOptions options)
      : models_(std::move(models)), options_(std::move(options)), said_(options_.say) {
    if (!is_loopback(options_.host) && options_.api_key.empty()) {
      throw InvalidInput("[serve] " + options_.host +
                         " can be reached from other machines: give --api-key, or serve 127.0.0.1 behind a proxy.");
    }
    for (ServedModel& model : models_) {
      if (!by_name_.emplace(model.name, &model).second) {
        throw InvalidInput("[serve] two models are called \"" + model.name + "\". Give one of them another name.");
      }
    }
    configure();
    add_routes();
  }

  int bind() {
    const int port = options_.port == 0                                   ? server_.bind_to_any_port(options_.host)
                     : server_.bind_to_port(options_.host, options_.port) ? options_.port
                                                                          : -1;
    if (port < 0) {
      throw EngineError("[serve] " + options_.host + ":" + std::to_string(options_.port) +
                        " cannot be had: another program has it, or it is not allowed. Give another --port.");
    }
    return port;
  }

  void run() { server_.listen_after_bind(); }

  void stop() {
    draining_ = true;
    const auto begin = Clock::now();
    const auto until = begin + options_.drain;
    const auto turned_away = std::min(until, begin + kLastConnections);
    while ((in_work_ > 0 || Clock::now() < turned_away) && Clock::now() < until) {
      std::this_thread::sleep_for(kLookAround);
    }
    server_.stop();
  }

 private:
  void configure() {
    // A thread for each connection, all from the start: a pool that grows misses some of many that come at once.
    server_.new_task_queue = [this] { return new httplib::ThreadPool(options_.connections); };
    server_.set_payload_max_length(options_.body_bytes);
    server_.set_keep_alive_max_count(1'000'000);
    server_.set_tcp_nodelay(true);
    // httplib's own choice is SO_REUSEPORT: two servers would share a port, and neither would know.
    server_.set_socket_options([](auto socket) { httplib::set_socket_opt(socket, SOL_SOCKET, SO_REUSEADDR, 1); });
    server_.set_default_headers({{"Server", "endorm"}, {"X-Content-Type-Options", "nosniff"}});
    server_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) { return admit(request, response); });
    server_.set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
      if (response.body.empty()) {
        answer_error(response, fault_of(request, response.status));
        if (response.status == 405) {
          response.set_header("Allow", methods_.at(request.path));
        }
        finish(request, response, route_of(request), request.start_time_);
      }
    });
    server_.set_exception_handler([](const httplib::Request&, httplib::Response& response,
                                     const std::exception_ptr& thrown) { answer_error(response, http_error(thrown)); });
  }

  httplib::Server::HandlerResponse admit(const httplib::Request& request, httplib::Response& response) {
    const bool open =
        request.path == "/health" || request.path == "/" || request.path == "/docs" || request.path == "/openapi.json";
    if (!options_.api_key.empty() && !open &&
        !same_secret(request.get_header_value("Authorization"), "Bearer " + options_.api_key)) {
      answer_error(response, {401, "authentication_error", "the server asks for its API key, as a bearer token."});
      finish(request, response, route_of(request), request.start_time_);
      return httplib::Server::HandlerResponse::Handled;
    }
    if (draining_) {
      response.set_header("Connection", "close");
      answer_error(response, {503, "stopping", "the server is stopping."});
      finish(request, response, route_of(request), request.start_time_);
      return httplib::Server::HandlerResponse::Handled;
    }
    return httplib::Server::HandlerResponse::Unhandled;
  }

  const char* route_of(const httplib::Request& request) const {
    const auto found = methods_.find(request.path);
    return found == methods_.end() ? "other" : found->first.c_str();
  }

  HttpError fault_of(const httplib::Request& request, int status) const {
    if (status == 413) {
      return {413, "invalid_request_error",
              "the body is larger than " + std::to_string(options_.body_bytes) + " bytes. Send it in parts."};
    }
    if (status == 404 && methods_.contains(request.path)) {
      return {405, "invalid_request_error", request.path + " takes " + methods_.at(request.path) + "."};
    }
    if (status == 404) {
      return {404, "invalid_request_error", "there is no " + request.path.substr(0, 200) + ". See /docs."};
    }
    return {status, "invalid_request_error", "the request is no HTTP that this server reads."};
  }

  void get(const char* path, const std::function<void(httplib::Response&)>& write) {
    methods_[path] = "GET";
    server_.Get(path, [this, path, write](const httplib::Request& request, httplib::Response& response) {
      const auto began = Clock::now();
      write(response);
      response.status = 200;  // and never a part of it, whatever "Range" asks for
      finish(request, response, path, began);
    });
  }

  void add_routes() {
    get("/health", [](httplib::Response& response) { response.set_content(R"({"status":"ok"})", "application/json"); });
    get("/v1/models", [this](httplib::Response& response) {
      response.set_content(model_list(models_, started_).dump(), "application/json");
    });
    server_.Get("/v1/models/(.+)", [this](const httplib::Request& request, httplib::Response& response) {
      const auto began = Clock::now();
      const auto found = by_name_.find(request.matches[1].str());
      if (found == by_name_.end()) {
        answer_error(response, no_model(request.matches[1].str(), models_));
      } else {
        response.set_content(model_object(*found->second, started_).dump(), "application/json");
        response.status = 200;
      }
      finish(request, response, "/v1/models/{id}", began);
    });
    get("/props", [this](httplib::Response& response) {
      response.set_content(server_properties(models_.front()).dump(), "application/json");
    });
    get("/reverify_mode",
        [](httplib::Response& response) { response.set_content(reverify_mode().dump(), "application/json"); });
    get("/metrics", [this](httplib::Response& response) {
      std::map<std::string, QueueCounts> queues;
      for (const ServedModel& model : models_) {
        queues[model.name] = model.queue->counts();
      }
      response.set_content(metrics_.text(queues), "text/plain; version=0.0.4");
    });
    get("/openapi.json", [this](httplib::Response& response) {
      response.set_content(openapi(models_.front().context.version, !options_.api_key.empty()), "application/json");
    });
    for (const auto& [path, page] : {std::pair{"/", rewards_page()}, std::pair{"/docs", docs_page()}}) {
      get(path, [page = page](httplib::Response& response) { response.set_content(page, "text/html; charset=utf-8"); });
    }
    for (const ProtocolRoute& route : protocol_routes()) {
      post(route.path,
           [this, &route](const Json& body, const httplib::Request& request, httplib::Response& response,
                          const std::shared_ptr<Notes>& notes) { reward(route, body, request, response, notes); });
    }
    for (const CompletionsRoute& route : completions_routes()) {
      post(route.path,
           [this, &route](const Json& body, const httplib::Request& request, httplib::Response& response,
                          const std::shared_ptr<Notes>& notes) { complete(route, body, request, response, notes); });
    }
    at_once("/tokenize", tokenize_reply);
    at_once("/detokenize", detokenize_reply);
  }

  // A route that asks a model for no computing.
  void at_once(const char* path, Json (*reply)(const Engine&, const Json&, const ProtocolContext&)) {
    post(path, [this, reply](const Json& body, const httplib::Request&, httplib::Response& response,
                             const std::shared_ptr<Notes>& notes) {
      const ServedModel& model = model_of(body);
      response.set_content(reply(model.queue->engine(), body, context_of(model, notes)).dump(), "application/json");
    });
  }

  void complete(const CompletionsRoute& route, const Json& body, const httplib::Request& request,
                httplib::Response& response, const std::shared_ptr<Notes>& notes) {
    ServedModel& model = model_of(body);
    const ProtocolContext context = context_of(model, notes);
    CompletionsRequest asked = route.read(body, context);
    for (const CompletionPrompt& prompt : asked.prompts) {
      if (!foreign_opening(prompt.text, *context.marks).empty()) {
        context.note(TextNote::kOtherFamily);
      }
    }
    const auto call = std::make_shared<CompletionsCall>(model.queue->engine(), std::move(asked), context);
    const auto run = [call](Engine& engine, std::size_t part) { call->run(engine, part); };
    wait(model.queue->use(call->parts(), call->bytes(), run, waiting(body, request)), request);
    response.set_content(call->reply().dump(), "application/json");
  }

  using Handler =
      std::function<void(const Json& body, const httplib::Request&, httplib::Response&, const std::shared_ptr<Notes>&)>;

  void post(const char* path, Handler handle) {
    methods_[path] = "POST";
    server_.Post(
        path, [this, path, handle = std::move(handle)](const httplib::Request& request, httplib::Response& response) {
          const auto began = Clock::now();
          ++in_work_;
          metrics_.in_flight(1);
          const auto notes = std::make_shared<Notes>();
          try {
            handle(parse_object(request.body), request, response, notes);
            response.status = 200;  // and never a part of it, whatever "Range" asks for
          } catch (const RequestRefused& refused) {
            answer_error(response, refused.error);
          } catch (...) {
            answer_error(response, http_error(std::current_exception()));
          }
          metrics_.in_flight(-1);
          finish(request, response, path, began, *notes);
          --in_work_;
        });
  }

  // The model that a body names. Of one model, every name is its name: clients send names of their own.
  ServedModel& model_of(const Json& body) {
    const Json* name = optional_field(body, "model");
    if (models_.size() == 1 || !name) {
      return models_.front();
    }
    const auto found = name->is_string() ? by_name_.find(name->get<std::string>()) : by_name_.end();
    if (found == by_name_.end()) {
      throw RequestRefused{no_model(name->is_string() ? name->get<std::string>() : name->dump(), models_)};
    }
    return *found->second;
  }

  ProtocolContext context_of(const ServedModel& model, const std::shared_ptr<Notes>& notes) {
    ProtocolContext context = model.context;
    context.id = std::to_string(++ids_);
    context.created = std::time(nullptr);
    context.note = [this, name = model.name, notes](TextNote note) {
      notes->insert(note);
      metrics_.noted(name, note);
      said_.say_once(name, note);
    };
    context.unread = [this, name = model.name](const std::string& field) { said_.say_unread_once(name, field); };
    return context;
  }

  void reward(const ProtocolRoute& route, const Json& body, const httplib::Request& request,
              httplib::Response& response, const std::shared_ptr<Notes>& notes) {
    ServedModel& model = model_of(body);
    const ProtocolContext context = context_of(model, notes);
    Asked asked = route.read(body, context);
    if (asked.requests.empty()) {
      response.set_content(reply_text(asked, {}), "application/json");
      return;
    }
    note_foreign_ends(asked.requests, context);
    if (asked.line) {
      stream(model, std::move(asked), context, waiting(body, request), response);
      return;
    }
    const std::vector<Scored> scored =
        wait(model.queue->score(std::move(asked.requests), asked.options, waiting(body, request)), request);
    note_spelled_ends(scored, context);
    response.set_content(reply_text(asked, scored), "application/json");
  }

  Waiting waiting(const Json& body, const httplib::Request& request) const {
    return {.priority = read_priority(body, request.get_header_value("X-Priority")),
            .deadline = Clock::now() + options_.timeout};
  }

  // What came of it; or the end of waiting, where the client has left or its time is over.
  std::vector<Scored> wait(RewardQueue::Ticket ticket, const httplib::Request& request) {
    const auto until = Clock::now() + options_.timeout;
    while (ticket.scored.wait_for(kLookAround) != std::future_status::ready) {
      const bool left = request.is_connection_closed();
      if (!left && Clock::now() < until) {
        continue;
      }
      *ticket.given_up = true;
      metrics_.gave_up();
      throw RequestRefused{left
                               ? HttpError{499, "client_left", "the client closed the connection."}
                               : HttpError{504, "timeout", "the request was not answered in time. Send less at once."}};
    }
    try {
      return ticket.scored.get();
    } catch (const DeadlinePassed&) {
      metrics_.gave_up();
      throw;
    }
  }

  // What a stream has not sent yet.
  struct Lines {
    ProtocolContext context;
    std::function<std::string(std::size_t, const Scored&)> line;
    RewardQueue::Ticket ticket;
    std::size_t next = 0;  // record to be sent
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Scored> scored;  // guarded, as what follows
    bool ended = false;         // nothing more comes
  };

  // One line a request, each sent when it is there. A record that fails is a line, too: the status was sent before.
  void stream(ServedModel& model, Asked asked, const ProtocolContext& context, Waiting waiting,
              httplib::Response& response) {
    auto lines = std::make_shared<Lines>();
    lines->context = context;
    lines->line = std::move(asked.line);
    const auto change = [lines](const std::function<void()>& how) {
      const std::lock_guard lock(lines->mutex);
      how();
      lines->changed.notify_all();
    };
    waiting.each = [lines, change](std::size_t, Scored scored) {
      change([&] { lines->scored.push_back(std::move(scored)); });
    };
    waiting.ready = [lines, change] { change([&] { lines->ended = true; }); };
    lines->ticket = model.queue->score(std::move(asked.requests), asked.options, std::move(waiting));
    ++in_work_;
    response.set_chunked_content_provider(
        "application/x-ndjson", [lines](std::size_t, httplib::DataSink& sink) { return send_line(*lines, sink); },
        [this, lines](bool) {
          *lines->ticket.given_up = true;
          --in_work_;
        });
  }

  // The next line, or the end. False where the client has left.
  static bool send_line(Lines& lines, httplib::DataSink& sink) {
    std::optional<Scored> scored;
    {
      std::unique_lock lock(lines.mutex);
      while (!lines.changed.wait_for(lock, kLookAround, [&] { return lines.ended || !lines.scored.empty(); })) {
        if (!sink.is_writable()) {
          return false;
        }
      }
      if (!lines.scored.empty()) {
        scored = std::move(lines.scored.front());
        lines.scored.pop_front();
      }
    }
    std::string line;
    try {
      if (scored) {
        note_spelled_ends(std::span(&*scored, 1), lines.context);
        line = lines.line(lines.next++, *scored);
      } else {
        lines.ticket.scored.get();
      }
    } catch (...) {
      line = error_body(http_error(std::current_exception()));
    }
    if (line.empty()) {
      sink.done();
      return true;
    }
    line += '\n';
    const bool sent = sink.write(line.data(), line.size());
    if (!scored) {
      sink.done();
    }
    return sent;
  }

  void finish(const httplib::Request& request, const httplib::Response& response, const char* path,
              Clock::time_point began, const Notes& notes = {}) {
    const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
    metrics_.answered(path, response.status, seconds);
    if (!options_.log) {
      return;
    }
    Json line = {{"time", std::time(nullptr)},      {"client", request.remote_addr},
                 {"method", request.method},        {"path", path},
                 {"status", response.status},       {"seconds", seconds},
                 {"bytes_in", request.body.size()}, {"bytes_out", response.body.size()}};
    for (const TextNote note : notes) {
      line["notes"].push_back(text_note_name(note));
    }
    options_.log(line.dump());
  }

  std::vector<ServedModel> models_;
  std::map<std::string, ServedModel*> by_name_;
  ServerOptions options_;
  std::map<std::string, std::string> methods_;  // by path
  Metrics metrics_;
  SaidNotes said_;
  std::int64_t started_ = std::time(nullptr);  // seconds since 1970
  std::atomic<bool> draining_ = false;
  std::atomic<int> in_work_ = 0;  // requests that were taken and are not answered yet
  std::atomic<std::uint64_t> ids_ = 0;
  httplib::Server server_;
};

RewardServer::RewardServer(std::vector<ServedModel> models, ServerOptions options)
    : implementation_(std::make_unique<Implementation>(std::move(models), std::move(options))) {}
RewardServer::~RewardServer() = default;
int RewardServer::bind() { return implementation_->bind(); }
void RewardServer::run() { implementation_->run(); }
void RewardServer::stop() { implementation_->stop(); }

}  // namespace endorm
