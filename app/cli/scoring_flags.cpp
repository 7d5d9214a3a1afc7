#include "app/cli/scoring_flags.h"

#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <thread>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "app/version.h"
#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/llama_engine.h"

namespace endorm {
namespace {

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm broken{};
  ::gmtime_r(&now, &broken);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &broken);
  return text.data();
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

void add_scoring_flags(CLI::App& command, ScoringFlags& flags) {
  command.add_option("input", flags.input, "JSON lines of records; - is standard input")->capture_default_str();
  add_reward_flags(command, flags);
}

void add_reward_flags(CLI::App& command, ScoringFlags& flags) {
  constexpr const char* kReward = "Reward";
  command.add_option("-a,--aggregation", flags.aggregation, "what becomes `reward`; all of them stand in the row")
      ->check(CLI::IsMember({"discounted", "sum", "mean", "chunked_mean", "step_mean", "min_step", "last_k"}))
      ->capture_default_str()
      ->group(kReward);
  command.add_option("--gamma", flags.aggregate.gamma, "discounted: weight of token h is max(gamma^(h-1), floor)")
      ->capture_default_str()
      ->group(kReward);
  command.add_option("--floor", flags.aggregate.floor, "discounted: the smallest weight")
      ->capture_default_str()
      ->group(kReward);
  command.add_option("--chunk", flags.aggregate.chunk, "chunked_mean: tokens in a chunk")
      ->capture_default_str()
      ->group(kReward);
  command.add_option("--last-k", flags.aggregate.last_k, "last_k: tokens at the end")
      ->capture_default_str()
      ->group(kReward);
  command.add_option("--alpha", flags.alpha, "temperature of the soft value")->capture_default_str()->group(kReward);
  command
      .add_flag("--initial-value", flags.aggregate.initial_value,
                "add V(s_1): for comparing across prompts; cancels among the responses of one")
      ->group(kReward);
  command
      .add_flag("--steps", flags.steps,
                "rewards of steps; responses that came without steps are split at --step-separator")
      ->group(kReward);
  command.add_option("--step-separator", flags.step_separator, "what stands between steps (default: an empty line)")
      ->group(kReward);
  command.add_flag("--no-end-of-turn", flags.no_end_of_turn, "do not score the end-of-turn token")->group(kReward);
  command
      .add_flag("--template-newline", flags.template_newline,
                "score also the newline that some templates put behind it")
      ->group(kReward);
  command
      .add_option("--on-overflow", flags.on_overflow,
                  "a sequence longer than the context: error, truncate-left or skip")
      ->check(CLI::IsMember({"error", "truncate-left", "skip"}))
      ->capture_default_str()
      ->group(kReward);
  command
      .add_flag("--no-sharing", flags.no_sharing, "compute every sequence alone (for measuring what sharing changes)")
      ->group("Speed and memory");
}

ScoreOptions score_options(const ScoringFlags& flags) {
  ScoreOptions options;
  options.aggregate = flags.aggregate;
  options.aggregate.kind = aggregation_from_name(flags.aggregation);
  options.alpha = flags.alpha;
  options.text = {!flags.no_end_of_turn, flags.template_newline};
  options.overflow = overflow_from_name(flags.on_overflow);
  options.find_steps = flags.steps || reads_steps(options.aggregate.kind);
  options.step_separator = flags.step_separator;
  options.share_prefixes = !flags.no_sharing;
  check_score_options(options);
  return options;
}

Manifest make_manifest(const std::string& command, const Engine& engine, const EngineFlags& engine_flags,
                       const ScoringFlags& flags, const RowOptions& rows, const std::string& shard) {
  const ScoreOptions options = score_options(flags);
  Manifest manifest;
  manifest.version = kVersion;
  manifest.command = command;
  manifest.model.name = engine.model_name();
  manifest.model.fingerprint = engine.fingerprint();
  if (const auto* local = dynamic_cast<const LlamaEngine*>(&engine)) {
    manifest.model.file = local->model_info().file;
    manifest.model.sha256 = local->model_info().sha256;
    manifest.model.arithmetic = local->arithmetic();
  } else {
    manifest.model.file = engine_flags.remote_url;
  }
  manifest.chat_template = {engine.template_fingerprint(), options.text};
  manifest.options.alpha = options.alpha;
  manifest.options.aggregate = options.aggregate;
  manifest.options.step_separator = options.step_separator;
  manifest.options.on_overflow = flags.on_overflow;
  manifest.options.context = engine.capabilities().context;
  manifest.options.share_prefixes = options.share_prefixes;
  manifest.options.shard = shard;
  manifest.options.rows = rows;
  if (flags.input != "-" && std::filesystem::is_regular_file(flags.input)) {
    manifest.data = Manifest::Data{flags.input, hex(sha256_file(flags.input))};
  }
  const unsigned cores = std::thread::hardware_concurrency();
  manifest.run = Manifest::Run{now_utc(), host_name(),
                               engine_flags.threads > 0 ? static_cast<std::size_t>(engine_flags.threads) : cores};
  return manifest;
}

}  // namespace endorm
