#include <chrono>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/flags_file.h"
#include "app/cli/model_loading.h"
#include "app/cli/option_flags.h"
#include "app/cli/server_signals.h"
#include "app/environment.h"
#include "app/server/http_server.h"
#include "app/server/log_writer.h"
#include "app/server/reward_server.h"
#include "app/version.h"
#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::chrono::milliseconds kLastLines{1'000};  // of the log

struct ServeFlags {
  ServingSettings serving;
  std::vector<std::string> models = {"smollm2-135m"};
  ServerOptions server;
  std::size_t body_megabytes = 16;
  std::size_t waiting_bytes = std::size_t{256} << 20U;
  std::string media_root;  // empty: requests name no files
  double timeout_seconds = 600;
  double drain_seconds = 60;
  double ready_seconds = 60;
  double keep_alive_seconds = 75;
  double body_seconds = 60;
  std::size_t connections = 0;
  std::size_t linger_milliseconds = 2;
  bool quiet = false;
  std::string config;
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

std::vector<ServedModel> load(const ServeFlags& flags) {
  std::vector<ServedModel> models;
  for (const std::string& text : flags.models) {
    const auto [name, model] = name_and_model(text);
    models.push_back(load_served_model(flags.serving, {name, model, {}}));
  }
  return models;
}

// Throws what loading throws.
void serve(const ServeFlags& flags, ServerSignals& signals, LogWriter& log) {
  const ServerOptions& options = flags.server;
  RewardServer server(options);
  const int port = server.bind();
  const std::string address = options.unix_socket.empty() ? (options.tls_certificate.empty() ? "http://" : "https://") +
                                                                options.host + ":" + std::to_string(port) + "/"
                                                          : options.unix_socket;
  signals.begin(server, options, log);
  std::thread serving([&] { server.run(); });
  std::exception_ptr failure;
  try {
    log.write("endorm: " + address + " is taken, the model is being loaded" +
              (options.health_port ? " (health at port " + std::to_string(server.health_port()) + ")" : ""));
    server.take(load(flags));
    signals.has_loaded();
    log.write("endorm: rewards at " + address + " (what it speaks: /docs)");
    signals.wait_until_told_to_stop();
  } catch (...) {
    failure = std::current_exception();
  }
  if (!server.stop()) {
    signals.end_late();
  }
  signals.has_answered();
  serving.join();
  signals.end();
  if (failure) {
    std::rethrow_exception(failure);
  }
}

void run_serve(ServeFlags flags) {
  ServerOptions& server = flags.server;
  server.limits.body_bytes = flags.body_megabytes << 20U;
  server.limits.budget = flags.serving.queue.budget = std::make_shared<ByteBudget>(flags.waiting_bytes);
  server.timeout = milliseconds_of(flags.timeout_seconds);
  server.drain = milliseconds_of(flags.drain_seconds);
  server.ready_within = milliseconds_of(flags.ready_seconds);
  server.limits.keep_alive = milliseconds_of(flags.keep_alive_seconds);
  server.limits.body_time = milliseconds_of(flags.body_seconds);
  server.version = kVersion;
  if (!flags.media_root.empty()) {
    flags.serving.queue.media.root = flags.media_root;
  }
  flags.serving.queue.linger = std::chrono::milliseconds(flags.linger_milliseconds);
  if (const std::string key = environment("ENDORM_SERVE_KEY"); server.api_keys.empty() && !key.empty()) {
    server.api_keys.push_back(key);
  }
  // Both outlive this: threads wait and write until the process ends.
  auto* signals = new ServerSignals(!server.api_key_file.empty());  // NOLINT(cppcoreguidelines-owning-memory)
  raise_file_limit();
  auto* log = new LogWriter(STDERR_FILENO);  // NOLINT(cppcoreguidelines-owning-memory)
  if (!flags.quiet) {
    server.log = [log](const std::string& line) { log->write(line); };
  }
  server.load = [settings = flags.serving](const ModelOrder& order) { return load_served_model(settings, order); };
  server.say = [log](const std::string& line) { log->write(line); };
  serve(flags, *signals, *log);
  log->flush(kLastLines);
}

}  // namespace

void add_serve_command(CLI::App& app) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand("serve", "Rewards over HTTP, in every protocol that reward clients speak");
  add_option_flags(*command, engine_options(), flags->serving.engine);
  command->remove_option(command->get_option("--model"));
  command
      ->add_option(
          "-m,--model", flags->models,
          "GGUF file or the name of a known model, or NAME=FILE; may be repeated: a request's \"model\" names one")
      ->group("Model");
  add_reward_flags(*command, flags->serving.scoring);
  command->option_defaults()->group("Server");
  command
      ->add_option(
          "--config", flags->config,
          "TOML whose keys are the names of these flags without the dashes before them, lists where one may be "
          "repeated; the command line goes before the file")
      ->check(CLI::ExistingFile)
      ->configurable(false);
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
      "--turn-opening", flags->serving.turn_opening,
      "what stands before the answer in a text that a template was applied to (default: the model's own)");
  command
      ->add_option("--turn-cut", flags->serving.turn_cut,
                   "where the response begins in such a text: turn (behind the first opening that no later turn of a "
                   "user or tool follows), first (opening; for prompts of one turn), last, strict (turn, or refused "
                   "where another opening follows); a request's \"turn_cut\" comes before it")
      ->check(CLI::IsMember({"turn", "first", "last", "strict"}));
  command
      ->add_option("--unscored", flags->serving.unscored,
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
      ->group("")
      ->configurable(false);
  command->add_flag("-q,--quiet", flags->quiet, "no line of log a request");
  command->option_defaults()->group("Batches");
  command
      ->add_option("--max-waiting", flags->serving.queue.most_waiting,
                   "responses, and prompts of completions; more are refused with status 429")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--max-waiting-tokens", flags->serving.queue.waiting_tokens,
                   "of prompts, of responses, and to be drawn; more are refused with status 429")
      ->check(CLI::PositiveNumber);
  command
      ->add_option(
          "--max-waiting-bytes", flags->waiting_bytes,
          "of bodies that come, their texts and tokens, and answers on their way; more are refused with status 429")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--media-root", flags->media_root,
                   "let requests name files of this directory as images and sounds (default: data: URIs alone)")
      ->default_str("");
  command
      ->add_option("--slice-tokens", flags->serving.queue.slice_tokens,
                   "computed before it is seen what else waits, at least a response; fewer: others wait less")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch-responses", flags->serving.queue.batch_responses, "in a slice")
      ->check(CLI::PositiveNumber);
  command->add_option(
      "--kept-tokens", flags->serving.kept_tokens,
      "of prompts whose keys and values are kept for responses that come later; needs exact or fast precision");
  command->add_option("--linger", flags->linger_milliseconds, "milliseconds that a request waits for others like it")
      ->check(CLI::Range(0, 1000));
  command->footer(
      "Example:\n"
      "  endorm serve --model smollm2-135m --aggregation mean\n"
      "  curl http://127.0.0.1:8000/v1/rewards -d '{\"prompt\": \"Capital of France?\", \"responses\": [\"Paris.\", "
      "\"Rome.\"]}'\n"
      "A page to try it is at /, the routes are at /docs; docs/serving.md has each client's settings.");
  command->callback([flags, command] {
    if (!flags->config.empty()) {
      read_flags_file(*command, flags->config);
    }
    run_serve(*flags);
  });
}

}  // namespace endorm
