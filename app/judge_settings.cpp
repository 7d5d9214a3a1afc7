#include "app/judge_settings.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/environment.h"
#include "app/late_engine.h"
#include "core/errors.h"

namespace endorm {
namespace {

// A JSON array of strings.
std::vector<std::string> alternatives_from(const std::string& path) {
  if (path.empty()) {
    return {};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw InvalidInput("[--contrast] " + path + " cannot be read. Give the file of a JSON array of system messages.");
  }
  try {
    return nlohmann::json::parse(file).get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception& error) {
    throw InvalidInput("[--contrast] " + path + " is not a JSON array of strings: " + error.what());
  }
}

std::vector<Option<JudgeSettings>> judge_table() {
  using Settings = JudgeSettings;
  static const std::array<std::pair<std::string_view, std::string>, 2> shapes{
      {{"classify", "classify"}, {"get_reward", "get_reward"}}};
  const OptionRows<Settings> row{{.group = "Judges"}};
  const auto chat = [&row](auto member, std::string_view name, std::string_view help, const OptionFacts& own = {}) {
    return row(at(&Settings::chat_server, member), name, help, own);
  };
  return {row(&Settings::contrast_file, "contrast",
              "contrast: a JSON array of alternative system messages, for what brings none of its own"),
          row(&Settings::reference, "reference", "log-ratio: the model whose reward is taken away, as --model"),
          row(&Settings::reference_template, "reference_template",
              "log-ratio: as --template, where the reference model needs another one"),
          row(&Settings::head_file, "head", "head: a safetensors or GGUF file with a trained reward head"),
          row(&Settings::server_url, "server", "server: URL of a reward server, or several with commas between"),
          row(&Settings::server_shape, shapes, "server_shape", "server: how it is asked, classify or get_reward"),
          row(&Settings::server_model, "server_model", "server: the model it is to use"),
          chat(&ChatServerOptions::url, "judge_url",
               "openai: URL of an OpenAI-compatible server, or several with commas between; $ENDORM_JUDGE_KEY is its "
               "key"),
          chat(&ChatServerOptions::model, "judge_model", "openai: the model it is to use"),
          chat(&ChatServerOptions::temperature, "judge_temperature", "openai: of replies",
               {.range = {.least = 0, .most = 2}}),
          chat(&ChatServerOptions::requests, "judge_requests", "openai: requests at once",
               {.range = {.least = 1, .most = 256}}),
          chat(&ChatServerOptions::timeout_seconds, "judge_timeout", "openai: seconds for one whole reply",
               {.range = {.least = 1, .most = 86400}}),
          chat(&ChatServerOptions::input_price, "judge_input_price",
               "openai: price of a million tokens that the server reads; with the next, the cost is told",
               {.range = {.least = 0}}),
          chat(&ChatServerOptions::output_price, "judge_output_price",
               "openai: price of a million tokens that it writes", {.range = {.least = 0}}),
          row(&Settings::seed, "judge_seed", "of random, and of what judges draw"),
          row(&Settings::max_reply_tokens, "max_reply_tokens",
              "tokens that a judge may write (default: what the verdict needs; of openai 1024)")};
}

}  // namespace

std::span<const Option<JudgeSettings>> judge_options() {
  static const std::vector<Option<JudgeSettings>> table = judge_table();
  return table;
}

std::unique_ptr<Engine> make_engine_for(std::span<const std::string> judges, const EngineSettings& settings) {
  if (std::any_of(judges.begin(), judges.end(), needs_model)) {
    return make_engine(settings);
  }
  return std::make_unique<LateEngine>([settings] { return make_engine(settings); });
}

std::unique_ptr<Engine> make_reference(const JudgeSettings& settings, const EngineSettings& engine_settings) {
  if (settings.reference.empty()) {
    if (!settings.reference_template.empty()) {
      throw InvalidInput("[--reference-template] there is no --reference that it could belong to");
    }
    return nullptr;
  }
  EngineSettings reference = engine_settings;
  reference.model = settings.reference;
  reference.adapters.clear();
  if (!settings.reference_template.empty()) {
    reference.prompt_template = settings.reference_template;
  }
  return make_engine(reference);
}

JudgeParts make_judge_parts(const JudgeSettings& settings, Engine& engine, Engine* reference, StatsCache& cache,
                            const ScoreOptions& score) {
  ChatServerOptions chat_server = settings.chat_server;
  chat_server.api_key = environment("ENDORM_JUDGE_KEY");
  return {.engine = engine,
          .cache = cache,
          .reference = reference,
          .score = score,
          .contrast = alternatives_from(settings.contrast_file),
          .head_file = settings.head_file,
          .server_url = settings.server_url,
          .server_shape = settings.server_shape,
          .server_model = settings.server_model,
          .server_key = environment("ENDORM_API_KEY"),
          .chat_server = std::move(chat_server),
          .seed = settings.seed,
          .max_reply_tokens = settings.max_reply_tokens};
}

StatsCache open_statistics_cache(const std::string& path, bool none) {
  if (none) {
    return StatsCache(std::nullopt);
  }
  std::error_code ignored;
  std::filesystem::create_directories(cache_directory(), ignored);
  return StatsCache(path.empty() ? cache_directory() + "/statistics.db" : path);
}

std::vector<Judge> make_judges(const std::vector<std::string>& names, const JudgeParts& parts) {
  std::vector<Judge> judges;
  for (const std::string& name : names) {
    for (const Judge& other : judges) {
      if (other.name == name) {
        throw InvalidInput("[--judge] " + name + " stands twice");
      }
    }
    judges.push_back(make_judge(name, parts));
  }
  return judges;
}

}  // namespace endorm
