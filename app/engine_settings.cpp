#include "app/engine_settings.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/environment.h"
#include "core/errors.h"
#include "engine/model_store.h"
#include "engine/read_whole_file.h"
#include "engine/remote/remote_engine.h"

namespace endorm {
namespace {

LoraAdapter adapter_from(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text)) {
    return {text, 1.0F};
  }
  char* end = nullptr;
  const std::string scale = text.substr(colon + 1);
  const float value = std::strtof(scale.c_str(), &end);
  if (scale.empty() || *end != '\0') {
    throw InvalidInput("[--lora] \"" + text + "\": the scale \"" + scale +
                       "\" is not a number. Write FILE or FILE:SCALE.");
  }
  return {text.substr(0, colon), value};
}

using Text = std::string_view;

constexpr std::array<std::pair<Text, CacheType>, 4> kCacheTypes{
    {{"f32", CacheType::kF32}, {"f16", CacheType::kF16}, {"bf16", CacheType::kBf16}, {"q8_0", CacheType::kQ8}}};
constexpr std::array<std::pair<Text, Precision>, 3> kPrecisions{
    {{"exact", Precision::kExact}, {"fast", Precision::kFast}, {"native", Precision::kNative}}};
constexpr std::array<std::pair<Text, std::optional<bool>>, 3> kFlashAttention{
    {{"auto", std::nullopt}, {"on", true}, {"off", false}}};
constexpr std::array<std::pair<Text, StatisticsPlace>, 3> kPlaces{
    {{"auto", StatisticsPlace::kAuto}, {"host", StatisticsPlace::kHost}, {"device", StatisticsPlace::kDevice}}};
constexpr std::array<std::pair<Text, RemoteDialect>, 2> kDialects{
    {{"vllm", RemoteDialect::kVllm}, {"sglang", RemoteDialect::kSglang}}};

Option<EngineSettings> row(auto member, OptionFacts facts) {
  return option<EngineSettings>(at(member), std::move(facts));
}

template <typename Value, std::size_t kCount>
Option<EngineSettings> row(auto member, const std::array<std::pair<Text, Value>, kCount>& names, OptionFacts facts) {
  return choice<EngineSettings>(at(member), NamedValues<Value>(names), std::move(facts));
}

std::vector<Option<EngineSettings>> engine_table() {
  constexpr Text kModel = "Model";
  constexpr Text kSpeed = "Speed and memory";
  constexpr Text kRemote = "Remote model";
  constexpr OptionRange kFromOne{.least = 1};
  using Settings = EngineSettings;
  return {
      row(&Settings::model, {.name = "model",
                             .help = "GGUF file, a name that `endorm models` lists, or hf:ORG/REPO[:QUANT]",
                             .group = kModel,
                             .flag = "-m,--model"}),
      row(&Settings::prompt_template,
          {.name = "template",
           .help = "model (the chat template in the file), plain (question and answer, for base models), raw (text as "
                   "it is, already templated), or a file with a jinja template",
           .group = kModel}),
      row(&Settings::adapters,
          {.name = "lora", .help = "LoRA adapter in GGUF, FILE or FILE:SCALE; may be repeated", .group = kModel}),
      row(&Settings::context, {.name = "context",
                               .help = "longest sequence in tokens (default: the model's own limit)",
                               .group = kModel,
                               .flag = "-c,--context",
                               .range = kFromOne}),
      row(&Settings::cache_type, kCacheTypes,
          {.name = "kv_type", .help = "number format of the key-value cache", .group = kModel}),
      row(&Settings::precision, kPrecisions,
          {.name = "precision",
           .help = "of matrix products: exact (the fastest type that loses nothing against llama.cpp), fast (int8), "
                   "native (llama.cpp's own kernels)",
           .group = kModel}),
      row(&Settings::flash_attention, kFlashAttention,
          {.name = "flash_attention", .help = "attention kernel", .group = kModel}),
      row(&Settings::statistics, kPlaces,
          {.name = "statistics",
           .help =
               "where log-sum-exp and entropy are computed: host (sums in double), device (beside the logits, which "
               "then never leave a GPU; falls back to host where a self-test finds a difference), auto (device "
               "where the model's last layer is on a GPU)",
           .group = kModel}),
      row(&Settings::offline,
          {.name = "offline", .help = "never download a model", .group = kModel, .effect = OptionEffect::kSpeed}),
      row(&Settings::threads, {.name = "threads",
                               .help = "threads (default: all cores)",
                               .group = kSpeed,
                               .flag = "-t,--threads",
                               .range = {.least = 0, .most = 4096},
                               .effect = OptionEffect::kSpeed}),
      row(&Settings::gpu_layers, {.name = "gpu_layers",
                                  .help = "layers on a GPU where the build has one (default: all)",
                                  .group = kSpeed,
                                  .effect = OptionEffect::kSpeed}),
      row(&Settings::packed_megabytes,
          {.name = "packed_megabytes",
           .help =
               "megabytes for weights in the layout of fast products (default: half of what is free); what does not "
               "fit is left to llama.cpp's kernels",
           .group = kSpeed,
           .flag = "--packed-memory",
           .effect = OptionEffect::kSpeed}),
      row(&Settings::wave_tokens, {.name = "wave_tokens",
                                   .help = "tokens computed together behind a shared prefix",
                                   .group = kSpeed,
                                   .range = kFromOne,
                                   .effect = OptionEffect::kSpeed}),
      row(&Settings::batch_tokens, {.name = "batch_tokens",
                                    .help = "tokens in one pass through the model",
                                    .group = kSpeed,
                                    .range = kFromOne,
                                    .effect = OptionEffect::kSpeed}),
      row(&Settings::hash_model, {.name = "hash_model",
                                  .help = "hash the model file for the manifest's sha256",
                                  .group = kSpeed,
                                  .flag = "--no-model-hash",
                                  .effect = OptionEffect::kSpeed}),
      row(&Settings::remote_url, {.name = "remote",
                                  .help = "URL of an OpenAI-compatible server to ask instead of a local model; --model "
                                          "is then the server's name for it, and $ENDORM_API_KEY its key",
                                  .group = kRemote}),
      row(&Settings::remote_dialect, kDialects,
          {.name = "remote_dialect", .help = "what kind of server it is", .group = kRemote}),
      row(&Settings::remote_end_of_turn,
          {.name = "remote_end_of_turn",
           .help = "text of the token that ends a turn, for servers that do not say (sglang)",
           .group = kRemote}),
  };
}

std::unique_ptr<Engine> make_remote_engine(const EngineSettings& settings) {
  RemoteEngineOptions options;
  options.dialect = settings.remote_dialect;
  options.model = settings.model == EngineSettings{}.model ? "" : settings.model;
  options.end_of_turn = settings.remote_end_of_turn;
  options.http.url = settings.remote_url.value_or("");
  options.http.api_key = environment("ENDORM_API_KEY");
  return std::make_unique<RemoteEngine>(std::move(options));
}

}  // namespace

std::span<const Option<EngineSettings>> engine_options() {
  static const std::vector<Option<EngineSettings>> table = engine_table();
  return table;
}

LlamaEngineOptions local_engine_options(const EngineSettings& settings) {
  LlamaEngineOptions options;
  for (const std::string& adapter : settings.adapters) {
    options.adapters.push_back(adapter_from(adapter));
  }
  if (settings.prompt_template == "plain") {
    options.template_source = TemplateSource::kPlain;
  } else if (settings.prompt_template == "raw") {
    options.template_source = TemplateSource::kRaw;
  } else if (settings.prompt_template != "model") {
    options.template_source = TemplateSource::kFile;
    options.template_text = read_whole_file("--template", settings.prompt_template,
                                            "Give model, plain, raw, or a file with a jinja template.");
  }
  options.context = settings.context;
  options.cache_type = settings.cache_type;
  options.flash_attention = settings.flash_attention;
  options.wave_tokens = settings.wave_tokens;
  options.kept_prefix_tokens = settings.kept_prefix_tokens;
  options.batch_tokens = settings.batch_tokens;
  options.threads = settings.threads;
  options.gpu_layers = settings.gpu_layers;
  options.precision = settings.precision;
  options.statistics = settings.statistics;
  if (settings.packed_megabytes) {
    constexpr std::size_t kMega = 1000000;
    options.packed_bytes = *settings.packed_megabytes * kMega;
  }
  options.choice_cache_directory = cache_directory() + "/products";
  options.hash_model = settings.hash_model;
  options.hash_cache_directory = cache_directory() + "/hashes";
  options.model_path = resolve_model(settings.model, model_store_options(settings.offline));
  return options;
}

std::unique_ptr<LlamaEngine> make_local_engine(const EngineSettings& settings) {
  return make_llama_engine(local_engine_options(settings));
}

std::unique_ptr<Engine> make_engine(const EngineSettings& settings) {
  return settings.remote_url.value_or("").empty() ? make_local_engine(settings) : make_remote_engine(settings);
}

}  // namespace endorm
