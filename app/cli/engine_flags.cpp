#include "app/cli/engine_flags.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <CLI/CLI.hpp>

#include "core/errors.h"
#include "engine/remote_engine.h"

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

CacheType cache_type_from(const std::string& name) {
  return name == "f32"    ? CacheType::kF32
         : name == "bf16" ? CacheType::kBf16
         : name == "q8_0" ? CacheType::kQ8
                          : CacheType::kF16;
}

Precision precision_from(const std::string& name) {
  return name == "native" ? Precision::kNative : name == "fast" ? Precision::kFast : Precision::kExact;
}

StatisticsPlace statistics_place_from(const std::string& name) {
  return name == "host" ? StatisticsPlace::kHost : name == "device" ? StatisticsPlace::kDevice : StatisticsPlace::kAuto;
}

std::unique_ptr<Engine> make_remote_engine(const EngineFlags& flags) {
  RemoteEngineOptions options;
  options.dialect = remote_dialect_from_name(flags.remote_dialect);
  options.model = flags.model == EngineFlags{}.model ? "" : flags.model;
  options.end_of_turn = flags.remote_end_of_turn;
  options.http.url = flags.remote_url;
  options.http.api_key = environment("ENDORM_API_KEY");
  return std::make_unique<RemoteEngine>(std::move(options));
}

}  // namespace

LlamaEngineOptions local_engine_options(const EngineFlags& flags) {
  LlamaEngineOptions options;
  options.model_path = resolve_model(flags.model, model_store_options(flags.offline));
  for (const std::string& adapter : flags.adapters) {
    options.adapters.push_back(adapter_from(adapter));
  }
  if (flags.prompt_template == "plain") {
    options.template_source = TemplateSource::kPlain;
  } else if (flags.prompt_template == "raw") {
    options.template_source = TemplateSource::kRaw;
  } else if (flags.prompt_template != "model") {
    options.template_source = TemplateSource::kFile;
    options.template_text = file_content(flags.prompt_template);
  }
  if (flags.context && *flags.context == 0) {
    throw InvalidInput("[--context] 0 tokens hold nothing. Leave --context out for the model's own limit.");
  }
  options.context = flags.context;
  options.cache_type = cache_type_from(flags.cache_type);
  if (flags.flash_attention != "auto") {
    options.flash_attention = flags.flash_attention == "on";
  }
  if (flags.wave_tokens > 0) {
    options.wave_tokens = flags.wave_tokens;
  }
  options.kept_prefix_tokens = flags.kept_prefix_tokens;
  if (flags.batch_tokens > 0) {
    options.batch_tokens = flags.batch_tokens;
  }
  options.threads = flags.threads;
  options.gpu_layers = flags.gpu_layers;
  options.precision = precision_from(flags.precision);
  options.statistics = statistics_place_from(flags.statistics);
  if (flags.packed_megabytes) {
    constexpr std::size_t kMega = 1000000;
    options.packed_bytes = *flags.packed_megabytes * kMega;
  }
  options.choice_cache_directory = cache_directory() + "/products";
  options.hash_model = !flags.no_model_hash;
  options.hash_cache_directory = cache_directory() + "/hashes";
  return options;
}

void add_engine_flags(CLI::App& command, EngineFlags& flags) {
  constexpr const char* kModel = "Model";
  command.add_option("-m,--model", flags.model, "GGUF file, a name that `endorm models` lists, or hf:ORG/REPO[:QUANT]")
      ->capture_default_str()
      ->group(kModel);
  command
      .add_option(
          "--template", flags.prompt_template,
          "model (the chat template in the file), plain (question and answer, for base models), raw (text as it is, "
          "already templated), or a file with a jinja template")
      ->capture_default_str()
      ->group(kModel);
  command.add_option("--lora", flags.adapters, "LoRA adapter in GGUF, FILE or FILE:SCALE; may be repeated")
      ->group(kModel);
  command.add_option("-c,--context", flags.context, "longest sequence in tokens (default: the model's own limit)")
      ->group(kModel);
  command.add_option("--kv-type", flags.cache_type, "number format of the key-value cache")
      ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0"}))
      ->capture_default_str()
      ->group(kModel);
  command
      .add_option("--precision", flags.precision,
                  "of matrix products: exact (the fastest type that loses nothing against llama.cpp), fast (int8), "
                  "native (llama.cpp's own kernels)")
      ->check(CLI::IsMember({"exact", "fast", "native"}))
      ->capture_default_str()
      ->group(kModel);
  command.add_option("--flash-attention", flags.flash_attention, "attention kernel")
      ->check(CLI::IsMember({"auto", "on", "off"}))
      ->capture_default_str()
      ->group(kModel);
  command
      .add_option(
          "--statistics", flags.statistics,
          "where log-sum-exp and entropy are computed: host (sums in double), device (beside the logits, which "
          "then never leave a GPU; falls back to host where a self-test finds a difference), auto (device where "
          "the model's last layer is on a GPU)")
      ->check(CLI::IsMember({"auto", "host", "device"}))
      ->capture_default_str()
      ->group(kModel);
  command.add_flag("--offline", flags.offline, "never download a model")->group(kModel);

  constexpr const char* kSpeed = "Speed and memory";
  command.add_option("-t,--threads", flags.threads, "threads (default: all cores)")
      ->check(CLI::Range(0, 4096))
      ->group(kSpeed);
  command.add_option("--gpu-layers", flags.gpu_layers, "layers on a GPU where the build has one (default: all)")
      ->group(kSpeed);
  command
      .add_option("--packed-memory", flags.packed_megabytes,
                  "megabytes for weights in the layout of fast products (default: half of what is free); what does not "
                  "fit is left to llama.cpp's kernels")
      ->group(kSpeed);
  command.add_option("--wave-tokens", flags.wave_tokens, "tokens computed together behind a shared prefix")
      ->group(kSpeed);
  command.add_option("--batch-tokens", flags.batch_tokens, "tokens in one pass through the model")->group(kSpeed);
  command
      .add_flag("--no-model-hash", flags.no_model_hash, "do not hash the model file (the manifest then has no sha256)")
      ->group(kSpeed);

  constexpr const char* kRemote = "Remote model";
  command
      .add_option("--remote", flags.remote_url,
                  "URL of an OpenAI-compatible server to ask instead of a local model; "
                  "--model is then the server's name for it, and $ENDORM_API_KEY its key")
      ->group(kRemote);
  command.add_option("--remote-dialect", flags.remote_dialect, "what kind of server it is")
      ->check(CLI::IsMember({"vllm", "sglang", "llama_server"}))
      ->capture_default_str()
      ->group(kRemote);
  command
      .add_option("--remote-end-of-turn", flags.remote_end_of_turn,
                  "text of the token that ends a turn, for servers that do not say (sglang)")
      ->group(kRemote);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string cache_directory() {
  if (std::string own = environment("ENDORM_CACHE_DIR"); !own.empty()) {
    return own;
  }
  if (const std::string xdg = environment("XDG_CACHE_HOME"); !xdg.empty()) {
    return xdg + "/endorm";
  }
  const std::string home = environment("HOME");
  if (home.empty()) {
    throw InvalidInput(
        "[cache] neither ENDORM_CACHE_DIR, XDG_CACHE_HOME nor HOME is set: there is no place for models");
  }
  return home + "/.cache/endorm";
}

ModelStoreOptions model_store_options(bool offline) {
  ModelStoreOptions options;
  options.cache_directory = cache_directory();
  options.offline = offline;
  options.hub_token = environment("HF_TOKEN");
  options.say = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  return options;
}

std::unique_ptr<Engine> make_engine(const EngineFlags& flags) {
  return flags.remote_url.empty() ? make_llama_engine(local_engine_options(flags)) : make_remote_engine(flags);
}

}  // namespace endorm
