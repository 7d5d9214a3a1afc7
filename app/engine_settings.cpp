#include "app/engine_settings.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string_view>
#include <utility>

#include "app/environment.h"
#include "core/errors.h"
#include "engine/model_store.h"
#include "engine/remote/remote_engine.h"

namespace endorm {
namespace {

std::string file_content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    throw InvalidInput("[--template] " + path +
                       " cannot be read. Give model, plain, raw, or a file with a jinja template.");
  }
  return content.str();
}

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

template <typename Value>
using Names = std::initializer_list<std::pair<std::string_view, Value>>;

// The value of a name. Throws InvalidInput, listing the names, where it is none of them.
template <typename Value>
Value named(const char* setting, const std::string& name, Names<Value> names) {
  std::string known;
  for (const auto& [other, value] : names) {
    if (name == other) {
      return value;
    }
    known += (known.empty() ? "" : ", ") + std::string(other);
  }
  throw InvalidInput("[" + std::string(setting) + "] \"" + name + "\" is unknown. Give one of: " + known);
}

CacheType cache_type_from(const std::string& name) {
  return named<CacheType>(
      "kv-type", name,
      {{"f16", CacheType::kF16}, {"f32", CacheType::kF32}, {"bf16", CacheType::kBf16}, {"q8_0", CacheType::kQ8}});
}

Precision precision_from(const std::string& name) {
  return named<Precision>("precision", name,
                          {{"exact", Precision::kExact}, {"fast", Precision::kFast}, {"native", Precision::kNative}});
}

StatisticsPlace statistics_place_from(const std::string& name) {
  return named<StatisticsPlace>(
      "statistics", name,
      {{"auto", StatisticsPlace::kAuto}, {"host", StatisticsPlace::kHost}, {"device", StatisticsPlace::kDevice}});
}

std::optional<bool> flash_attention_from(const std::string& name) {
  return named<std::optional<bool>>("flash-attention", name, {{"auto", std::nullopt}, {"on", true}, {"off", false}});
}

std::unique_ptr<Engine> make_remote_engine(const EngineSettings& settings) {
  RemoteEngineOptions options;
  options.dialect = remote_dialect_from_name(settings.remote_dialect);
  options.model = settings.model == EngineSettings{}.model ? "" : settings.model;
  options.end_of_turn = settings.remote_end_of_turn;
  options.http.url = settings.remote_url;
  options.http.api_key = environment("ENDORM_API_KEY");
  return std::make_unique<RemoteEngine>(std::move(options));
}

}  // namespace

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
    options.template_text = file_content(settings.prompt_template);
  }
  if (settings.context && *settings.context == 0) {
    throw InvalidInput("[--context] 0 tokens hold nothing. Leave --context out for the model's own limit.");
  }
  options.context = settings.context;
  options.cache_type = cache_type_from(settings.cache_type);
  options.flash_attention = flash_attention_from(settings.flash_attention);
  if (settings.wave_tokens > 0) {
    options.wave_tokens = settings.wave_tokens;
  }
  options.kept_prefix_tokens = settings.kept_prefix_tokens;
  if (settings.batch_tokens > 0) {
    options.batch_tokens = settings.batch_tokens;
  }
  options.threads = settings.threads;
  options.gpu_layers = settings.gpu_layers;
  options.precision = precision_from(settings.precision);
  options.statistics = statistics_place_from(settings.statistics);
  if (settings.packed_megabytes) {
    constexpr std::size_t kMega = 1000000;
    options.packed_bytes = *settings.packed_megabytes * kMega;
  }
  options.choice_cache_directory = cache_directory() + "/products";
  options.hash_model = !settings.no_model_hash;
  options.hash_cache_directory = cache_directory() + "/hashes";
  options.model_path = resolve_model(settings.model, model_store_options(settings.offline));
  return options;
}

std::unique_ptr<Engine> make_engine(const EngineSettings& settings) {
  return settings.remote_url.empty() ? make_llama_engine(local_engine_options(settings)) : make_remote_engine(settings);
}

}  // namespace endorm
