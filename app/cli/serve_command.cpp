#include <chrono>
#include <cmath>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/option_flags.h"
#include "app/engine_settings.h"
#include "app/environment.h"
#include "app/server/http_server.h"
#include "app/server/log_writer.h"
#include "app/server/reward_server.h"
#include "app/version.h"
#include "core/errors.h"

namespace endorm {
namespace {

// Beyond --drain, for connections to end.
constexpr std::chrono::milliseconds kLastAnswers{500};
constexpr std::chrono::milliseconds kLastLines{1'000};  // of the log

struct ServeFlags {
  EngineSettings engine;
  std::vector<std::string> models = {"smollm2-135m"};
  RewardOptions scoring;
  ServerOptions server;
  QueueOptions queue;
  std::size_t body_megabytes = 16;
  double timeout_seconds = 600;
  double drain_seconds = 60;
  double ready_seconds = 60;
  double keep_alive_seconds = 75;
  double body_seconds = 60;
  std::size_t connections = 0;
  std::size_t linger_milliseconds = 2;
  std::string turn_opening;
  std::string turn_cut = "turn";
  std::optional<double> unscored;
  std::size_t kept_tokens = 8192;
  bool quiet = false;
};

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(static_cast<long>(seconds * 1000));
}

// "name=file" or what --model takes, which is then also the name.
std::pair<std::string, std::string> name_and_model(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || std::filesystem::exists(text)) {
    return {text, text};
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

TurnMarks turn_marks_of(const Engine& engine, const TemplateOptions& text, const std::string& opening) {
  if (const TextForm* form = engine.text_form()) {
    return form->turn_marks(text, opening);
  }
  TurnMarks marks;
  marks.opening = opening;
  return marks;
}

std::vector<ServedModel> load(const ServeFlags& flags) {
  std::vector<ServedModel> models;
  for (const std::string& text : flags.models) {
    const auto [name, model] = name_and_model(text);
    EngineSettings engine_settings = flags.engine;
    engine_settings.model = model;
    engine_settings.here.kept_prefix_tokens = flags.kept_tokens;
    std::unique_ptr<Engine> engine = make_engine(engine_settings);
    ServedModel& served = models.emplace_back();
    served.name = name;
    served.description = engine->model().name;
    served.context.model = name;
    served.context.options = score_options(flags.scoring);
    served.context.marks =
        std::make_shared<const TurnMarks>(turn_marks_of(*engine, served.context.options.text, flags.turn_opening));
    served.context.cut = turn_cut_from_name(flags.turn_cut);
    served.context.unscored = flags.unscored;
    served.context.longest = engine->capabilities().context;
    served.context.version = kVersion;
    StatsCache trial(std::nullopt);
    const EndogenousScorer tried(*engine, trial, served.context.options);  // refuses what this engine cannot give
    served.queue = std::make_unique<RewardQueue>(std::move(engine), flags.queue);
  }
  return models;
}

// SIGTERM and SIGINT end the server in order, SIGHUP has it read its keys again where they are in a file. Made before
// any other thread, which then leave these signals to it.
class Signals {
 public:
  explicit Signals(bool reads_keys) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    if (reads_keys) {
      sigaddset(&signals_, SIGHUP);
    }
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);  // a client, or who reads the log, has left: that is told by the write
  }

  int wait() const {
    int signal = 0;
    sigwait(&signals_, &signal);
    return signal;
  }

 private:
  sigset_t signals_{};
};

// What signals do to a server. Outlives it: a thread waits for them until the process ends.
class Orders {
 public:
  Orders(ServerOptions options, const Signals& signals, LogWriter& log)
      : options_(std::move(options)), signals_(signals), log_(log) {}

  // From then on signals are obeyed.
  void begin(RewardServer& server) {
    server_ = &server;
    std::thread([this] { obey(); }).detach();
  }
  // There is something to be answered before the end.
  void has_loaded() {
    const std::lock_guard lock(mutex_);
    loaded_ = true;
  }
  void wait_until_told_to_stop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return told_to_stop_; });
  }
  [[noreturn]] void end_late() {
    log_.write("endorm: the time that --drain gives is over, and not all is answered");
    leave(1);
  }
  // The server is going.
  void end() {
    const std::lock_guard lock(mutex_);
    server_ = nullptr;
  }

 private:
  void obey() {
    while (true) {
      const int signal = signals_.wait();
      if (signal != SIGHUP && told_to_stop_) {  // written by this thread alone
        leave(130);
      }
      const std::lock_guard lock(mutex_);
      if (signal == SIGHUP) {
        read_keys_again();
      } else {
        begin_to_stop();
      }
    }
  }

  void read_keys_again() {
    try {
      if (server_) {
        server_->read_keys_again();
        log_.write("endorm: the keys of " + options_.api_key_file + " were read again");
      }
    } catch (const std::exception& error) {
      log_.write(std::string("endorm: the keys are those of before: ") + error.what());
    }
  }

  void begin_to_stop() {
    if (!loaded_) {
      log_.write("endorm: stopping");
      leave(0);  // nothing was taken, and loading cannot be interrupted
    }
    log_.write("endorm: stopping: what was taken is answered first");
    told_to_stop_ = true;
    changed_.notify_all();
    std::thread([this] {
      std::this_thread::sleep_for(options_.drain + kLastAnswers);
      end_late();
    }).detach();
  }

  // Ends the program, whatever waits.
  [[noreturn]] void leave(int status) {
    log_.flush(kLastAnswers);
    if (!options_.unix_socket.empty()) {
      ::unlink(options_.unix_socket.c_str());
    }
    ::_exit(status);
  }

  ServerOptions options_;
  Signals signals_;
  LogWriter& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  RewardServer* server_ = nullptr;
  bool loaded_ = false;
  bool told_to_stop_ = false;
};

// Throws what loading throws.
void serve(const ServeFlags& flags, Orders& orders, LogWriter& log) {
  const ServerOptions& options = flags.server;
  RewardServer server(options);
  const int port = server.bind();
  const std::string address = options.unix_socket.empty() ? (options.tls_certificate.empty() ? "http://" : "https://") +
                                                                options.host + ":" + std::to_string(port) + "/"
                                                          : options.unix_socket;
  orders.begin(server);
  std::thread serving([&] { server.run(); });
  std::exception_ptr failure;
  try {
    log.write("endorm: " + address + " is taken, the model is being loaded" +
              (options.health_port ? " (health at port " + std::to_string(server.health_port()) + ")" : ""));
    server.take(load(flags));
    orders.has_loaded();
    log.write("endorm: rewards at " + address + " (what it speaks: /docs)");
    orders.wait_until_told_to_stop();
  } catch (...) {
    failure = std::current_exception();
  }
  const auto began = std::chrono::steady_clock::now();
  server.stop();
  if (options.drain.count() > 0 && std::chrono::steady_clock::now() - began >= options.drain) {
    orders.end_late();
  }
  serving.join();
  orders.end();
  if (failure) {
    std::rethrow_exception(failure);
  }
}

void run_serve(ServeFlags flags) {
  ServerOptions& server = flags.server;
  server.limits.body_bytes = flags.body_megabytes << 20U;
  server.timeout = milliseconds_of(flags.timeout_seconds);
  server.drain = milliseconds_of(flags.drain_seconds);
  server.ready_within = milliseconds_of(flags.ready_seconds);
  server.limits.keep_alive = milliseconds_of(flags.keep_alive_seconds);
  server.limits.body_time = milliseconds_of(flags.body_seconds);
  server.version = kVersion;
  flags.queue.linger = std::chrono::milliseconds(flags.linger_milliseconds);
  if (const std::string key = environment("ENDORM_SERVE_KEY"); server.api_keys.empty() && !key.empty()) {
    server.api_keys.push_back(key);
  }
  const Signals signals(!server.api_key_file.empty());
  raise_file_limit();
  // Both outlive this: threads write and wait until the process ends.
  auto* log = new LogWriter(STDERR_FILENO);  // NOLINT(cppcoreguidelines-owning-memory)
  if (!flags.quiet) {
    server.log = [log](const std::string& line) { log->write(line); };
  }
  server.say = [log](const std::string& line) { log->write(line); };
  auto* orders = new Orders(server, signals, *log);  // NOLINT(cppcoreguidelines-owning-memory)
  serve(flags, *orders, *log);
  log->flush(kLastLines);
}

}  // namespace

void add_serve_command(CLI::App& app) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand("serve", "Rewards over HTTP, in every protocol that reward clients speak");
  add_option_flags(*command, engine_options(), flags->engine);
  command->remove_option(command->get_option("--model"));
  command
      ->add_option(
          "-m,--model", flags->models,
          "GGUF file or the name of a known model, or NAME=FILE; may be repeated: a request's \"model\" names one")
      ->group("Model");
  add_reward_flags(*command, flags->scoring);
  command->option_defaults()->group("Server");
  command->add_option("--host", flags->server.host,
                      "address to listen at; another than this machine's own asks for a key");
  command->add_option("-p,--port", flags->server.port, "0: any that is free")->check(CLI::Range(0, 65535));
  command->add_option("--unix-socket", flags->server.unix_socket,
                      "a socket in the file system, for this user alone, in the place of host and port");
  command
      ->add_option("--health-port", flags->server.health_port,
                   "a port that has /health, /ready and /metrics alone, without a key and without TLS; 0: any")
      ->check(CLI::Range(0, 65535));
  command
      ->add_option(
          "--api-key", flags->server.api_keys,
          "what requests must bring as a bearer token; may be repeated (default: $ENDORM_SERVE_KEY, which no list of "
          "processes shows)")
      ->allow_extra_args(false);
  command
      ->add_option("--api-key-file", flags->server.api_key_file,
                   "has keys, one a line, # begins a remark; read again at SIGHUP")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--allowed-host", flags->server.allowed_hosts,
                   "a name by which clients and pages may ask, beside those of this machine itself; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--tls-certificate", flags->server.tls_certificate, "file in PEM, with its chain: speaks TLS")
      ->check(CLI::ExistingFile);
  command->add_option("--tls-key", flags->server.tls_key, "its key, a file in PEM")->check(CLI::ExistingFile);
  command->add_option(
      "--turn-opening", flags->turn_opening,
      "what stands before the answer in a text that a template was applied to (default: the model's own)");
  command
      ->add_option("--turn-cut", flags->turn_cut,
                   "where the response begins in such a text: turn (behind the first opening that no later turn of a "
                   "user or tool follows), first (opening; for prompts of one turn), last, strict (turn, or refused "
                   "where another opening follows); a request's \"turn_cut\" comes before it")
      ->check(CLI::IsMember({"turn", "first", "last", "strict"}));
  command
      ->add_option("--unscored", flags->unscored,
                   "the number of a text that cannot be scored, beside others of its batch or alone (default: null in "
                   "a batch, with the reason; status 400 where nothing could be scored; docs/serving.md)")
      ->check([](const std::string& text) {
        return std::isfinite(std::strtod(text.c_str(), nullptr)) ? "" : "is no finite number";
      });
  command->add_option("--max-body", flags->body_megabytes, "megabytes of a request")->check(CLI::Range(1, 1024));
  command
      ->add_option("--request-timeout", flags->timeout_seconds,
                   "seconds until a request is given up, its wait included")
      ->check(CLI::PositiveNumber);
  command->add_option("--drain", flags->drain_seconds, "seconds that SIGTERM leaves for what was taken")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--keep-alive", flags->keep_alive_seconds, "seconds that a connection may wait between requests")
      ->check(CLI::PositiveNumber);
  command->add_option("--body-timeout", flags->body_seconds, "seconds that the body of a request may take to come")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--ready-within", flags->ready_seconds,
                   "seconds without a finished batch, while requests wait, after which /ready says no")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--connections", flags->connections,
                   "does nothing any more: connections are limited by file descriptors alone")
      ->group("");
  command->add_flag("-q,--quiet", flags->quiet, "no line of log a request");
  command->option_defaults()->group("Batches");
  command
      ->add_option("--max-waiting", flags->queue.most_waiting,
                   "responses, and prompts of completions; more are refused with status 429")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--max-waiting-tokens", flags->queue.waiting_tokens,
                   "of prompts, of responses, and to be drawn; more are refused with status 429")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--max-waiting-bytes", flags->queue.waiting_bytes,
                   "of texts and tokens of requests that are not answered; more are refused with status 429")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--slice-tokens", flags->queue.slice_tokens,
                   "computed before it is seen what else waits, at least a response; fewer: others wait less")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch-responses", flags->queue.batch_responses, "in a slice")->check(CLI::PositiveNumber);
  command->add_option(
      "--kept-tokens", flags->kept_tokens,
      "of prompts whose keys and values are kept for responses that come later; needs exact or fast precision");
  command->add_option("--linger", flags->linger_milliseconds, "milliseconds that a request waits for others like it")
      ->check(CLI::Range(0, 1000));
  command->footer(
      "Example:\n"
      "  endorm serve --model smollm2-135m --aggregation mean\n"
      "  curl http://127.0.0.1:8000/v1/rewards -d '{\"prompt\": \"Capital of France?\", \"responses\": [\"Paris.\", "
      "\"Rome.\"]}'\n"
      "A page to try it is at /, the routes are at /docs; docs/serving.md has each client's settings.");
  command->callback([flags] { run_serve(*flags); });
}

}  // namespace endorm
