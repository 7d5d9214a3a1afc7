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

std::vector<Option<EngineSettings>> engine_table() {
  using Settings = EngineSettings;
  using Rows = OptionRows<Settings>;
  constexpr OptionRange kFromOne{.least = 1};
  const auto here = [](auto member) { return at(&Settings::here, member); };
  const Rows model{{.group = "Model"}};
  const Rows place{{.group = "Model", .effect = OptionEffect::kSpeed}};
  const Rows speed{{.group = "Speed and memory", .effect = OptionEffect::kSpeed}};
  const Rows remote{{.group = "Remote model"}};
  return {
      model(&Settings::model, "model", "GGUF file, a name that `endorm models` lists, or hf:ORG/REPO[:QUANT]",
            {.flag = "-m,--model"}),
      model(&Settings::prompt_template, "template",
            "model (the chat template in the file), plain (question and answer, for base models), raw (text as it is, "
            "already templated), or a file with a jinja template"),
      model(&Settings::adapters, "lora", "LoRA adapter in GGUF, FILE or FILE:SCALE; may be repeated"),
      model(here(&LlamaEngineOptions::projector_path), "mmproj",
            "what makes a model of texts read images or sounds: the mmproj GGUF file of the same checkpoint"),
      model(here(&LlamaEngineOptions::context), "context",
            "longest sequence in tokens (default: the model's own limit)", {.flag = "-c,--context", .range = kFromOne}),
      model(here(&LlamaEngineOptions::cache_type), kCacheTypes, "kv_type", "number format of the key-value cache"),
      model(here(&LlamaEngineOptions::precision), kPrecisions, "precision",
            "of matrix products: exact (the fastest type that loses nothing against llama.cpp), fast (int8), native "
            "(llama.cpp's own kernels)"),
      model(here(&LlamaEngineOptions::flash_attention), kFlashAttention, "flash_attention", "attention kernel"),
      model(here(&LlamaEngineOptions::statistics), kPlaces, "statistics",
            "where log-sum-exp and entropy are computed: host (sums in double), device (beside the logits, which then "
            "never leave a GPU; falls back to host where a self-test finds a difference), auto (device where the "
            "model's last layer is on a GPU)"),
      place(&Settings::offline, "offline", "never download a model"),
      speed(here(&LlamaEngineOptions::threads), "threads", "threads (default: all cores that it may use)",
            {.flag = "-t,--threads", .range = {.least = 0, .most = 4096}}),
      speed(here(&LlamaEngineOptions::gpu_layers), "gpu_layers",
            "layers on a GPU where the build has one (default: all)"),
      speed(&Settings::packed_megabytes, "packed_megabytes",
            "megabytes for weights in the layout of fast products (default: half of what is free); what does not fit "
            "is left to llama.cpp's kernels",
            {.flag = "--packed-memory"}),
      speed(here(&LlamaEngineOptions::wave_tokens), "wave_tokens", "tokens computed together behind a shared prefix",
            {.range = kFromOne}),
      speed(here(&LlamaEngineOptions::batch_tokens), "batch_tokens", "tokens in one pass through the model",
            {.range = kFromOne}),
      speed(here(&LlamaEngineOptions::hash_model), "hash_model", "hash the model file for the manifest's sha256",
            {.flag = "--no-model-hash"}),
      remote(&Settings::remote_url, "remote",
             "URL of an OpenAI-compatible server to ask instead of a local model; --model is then the server's name "
             "for it, and $ENDORM_API_KEY its key"),
      remote(&Settings::remote_dialect, kDialects, "remote_dialect", "what kind of server it is"),
      remote(&Settings::remote_end_of_turn, "remote_end_of_turn",
             "text of the token that ends a turn, for servers that do not say (sglang)"),
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
  LlamaEngineOptions options = settings.here;
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
  if (settings.packed_megabytes) {
    constexpr std::size_t kMega = 1000000;
    options.packed_bytes = *settings.packed_megabytes * kMega;
  }
  options.choice_cache_directory = cache_directory() + "/products";
  options.hash_cache_directory = cache_directory() + "/hashes";
  ModelStoreOptions store = model_store_options(settings.offline);
  store.python = settings.python;
  options.model_path = resolve_model(settings.model, store);
  return options;
}

std::unique_ptr<LlamaEngine> make_local_engine(const EngineSettings& settings) {
  return make_llama_engine(local_engine_options(settings));
}

std::unique_ptr<Engine> make_engine(const EngineSettings& settings) {
  return settings.remote_url.value_or("").empty() ? make_local_engine(settings) : make_remote_engine(settings);
}

}  // namespace endorm
