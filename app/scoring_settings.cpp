#include "app/scoring_settings.h"

#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <thread>

#include <unistd.h>

#include "app/version.h"
#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/llama/llama_engine.h"

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

TemplateOptions template_options(const ScoringSettings& settings) {
  TemplateOptions options;
  options.end_of_turn = !settings.no_end_of_turn;
  options.template_newline = settings.template_newline;
  options.reading = reading_from_name(settings.response_is);
  options.arguments = template_arguments_from(settings.template_arguments, "--template-kwargs");
  options.date = settings.template_date;
  check_template_date(options.date);
  return options;
}

ScoreOptions score_options(const ScoringSettings& settings) {
  ScoreOptions options;
  options.aggregate = settings.aggregate;
  options.aggregate.kind = aggregation_from_name(settings.aggregation);
  options.alpha = settings.alpha;
  options.text = template_options(settings);
  options.turns = scored_turns_from_name(settings.score_turns);
  options.overflow = overflow_from_name(settings.on_overflow);
  options.find_steps = settings.steps || reads_steps(options.aggregate.kind);
  options.step_separator = settings.step_separator;
  options.share_prefixes = !settings.no_sharing;
  check_score_options(options);
  return options;
}

Manifest make_manifest(const std::string& command, const Engine& engine, const EngineSettings& engine_settings,
                       const ScoringSettings& settings, const RowOptions& rows, const std::string& shard) {
  const ScoreOptions options = score_options(settings);
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
    manifest.model.file = engine_settings.remote_url;
  }
  manifest.chat_template = {engine.template_fingerprint(), options.text};
  manifest.options.alpha = options.alpha;
  manifest.options.aggregate = options.aggregate;
  manifest.options.step_separator = options.step_separator;
  manifest.options.score_turns = settings.score_turns;
  manifest.options.on_overflow = settings.on_overflow;
  manifest.options.context = engine.capabilities().context;
  manifest.options.share_prefixes = options.share_prefixes;
  manifest.options.shard = shard;
  manifest.options.rows = rows;
  if (settings.input != "-" && std::filesystem::is_regular_file(settings.input)) {
    manifest.data = Manifest::Data{settings.input, hex(sha256_file(settings.input))};
  }
  const unsigned cores = std::thread::hardware_concurrency();
  manifest.run = Manifest::Run{now_utc(), host_name(),
                               engine_settings.threads > 0 ? static_cast<std::size_t>(engine_settings.threads) : cores};
  return manifest;
}

}  // namespace endorm
