#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/option_flags.h"
#include "app/engine_settings.h"
#include "app/environment.h"
#include "app/server/reward_server.h"
#include "app/version.h"
#include "core/errors.h"

namespace endorm {
namespace {

// Beyond --drain, for connections to end.
constexpr std::chrono::milliseconds kLastAnswers{500};

struct ServeFlags {
  EngineSettings engine;
  std::vector<std::string> models = {"smollm2-135m"};
  RewardOptions scoring;
  ServerOptions server;
  QueueOptions queue;
  std::size_t body_megabytes = 16;
  double timeout_seconds = 600;
  double drain_seconds = 60;
  std::size_t linger_milliseconds = 2;
  std::string turn_opening;
  std::string turn_cut = "turn";
  std::optional<double> unscored;
  std::size_t kept_tokens = 8192;
  bool quiet = false;
};

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

// SIGTERM and SIGINT end the server in order; a second one ends the program at once. Made before any other thread,
// which then leave these signals to it.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }

  void wait() const {
    int signal = 0;
    sigwait(&signals_, &signal);
  }

 private:
  sigset_t signals_{};
};

void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::fprintf(stderr, "%s\n", line.c_str());
}

void run_serve(ServeFlags flags) {
  const StopSignals signals;
  flags.server.body_bytes = flags.body_megabytes << 20U;
  flags.server.timeout = std::chrono::milliseconds(static_cast<long>(flags.timeout_seconds * 1000));
  flags.server.drain = std::chrono::milliseconds(static_cast<long>(flags.drain_seconds * 1000));
  flags.queue.linger = std::chrono::milliseconds(flags.linger_milliseconds);
  if (flags.server.api_key.empty()) {
    flags.server.api_key = environment("ENDORM_SERVE_KEY");
  }
  if (!flags.quiet) {
    flags.server.log = say;
  }
  flags.server.say = say;
  RewardServer server(load(flags), flags.server);
  const int port = server.bind();
  say("endorm: rewards at http://" + flags.server.host + ":" + std::to_string(port) + "/ (what it speaks: /docs)");
  std::atomic<bool> told_to_stop = false;
  std::thread stopping([&] {
    signals.wait();
    told_to_stop = true;
    say("endorm: stopping: what was taken is answered first");
    std::thread([signals] {
      signals.wait();
      ::_exit(130);
    }).detach();
    std::thread([most = flags.server.drain + kLastAnswers] {
      std::this_thread::sleep_for(most);
      say("endorm: the time that --drain gives is over, and not all is answered");
      ::_exit(1);
    }).detach();
    server.stop();
  });
  server.run();
  if (!told_to_stop) {  // it ended by itself
    ::kill(::getpid(), SIGTERM);
  }
  stopping.join();
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
  command->add_option(
      "--api-key", flags->server.api_key,
      "what requests must bring as a bearer token (default: $ENDORM_SERVE_KEY, which no list of processes shows)");
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
  command->add_option("--connections", flags->server.connections, "served at once; more wait")
      ->check(CLI::Range(1, 65536));
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
