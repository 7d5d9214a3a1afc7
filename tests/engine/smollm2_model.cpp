#include "tests/engine/smollm2_model.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <doctest/doctest.h>
#include <llama.h>
#include <unistd.h>

#include "engine/model_store.h"
#include "tests/paths.h"

namespace endorm {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kF32Bytes = 539845696;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// As the command line finds it: a variable that is empty counts as not set.
std::string cache_directory() {
  if (const std::string own = environment("ENDORM_CACHE_DIR"); !own.empty()) {
    return own;
  }
  const std::string caches = environment("XDG_CACHE_HOME");
  return (caches.empty() ? environment("HOME") + "/.cache" : caches) + "/endorm";
}

}  // namespace

std::optional<std::string> shipped_smollm2() {
  ModelStoreOptions store;
  store.offline = true;
  store.cache_directory = cache_directory();
  for (const KnownModel& model : known_models()) {
    if (model.name != "smollm2-135m") {
      continue;
    }
    const std::string path = cached_model_path(model, store);
    std::error_code failure;
    if (fs::file_size(path, failure) == model.bytes && !failure) {
      return path;
    }
    std::cout << "SKIPPED: " << path << " is not there. `endorm models fetch smollm2-135m` fetches it." << std::endl;
    return std::nullopt;
  }
  FAIL("the model store does not know smollm2-135m");
  return std::nullopt;
}

std::string smollm2_in_f32(const std::string& shipped) {
  const std::string path = build_path("smollm2-135m.f32.gguf");
  std::error_code failure;
  if (fs::file_size(path, failure) == kF32Bytes && !failure) {
    return path;
  }
  // Another test may be making it too.
  const std::string partial = path + "." + std::to_string(::getpid());
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = LLAMA_FTYPE_ALL_F32;
  params.allow_requantize = true;
  ggml_log_callback log = nullptr;
  void* of_log = nullptr;
  llama_log_get(&log, &of_log);
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);  // it tells of every tensor
  const std::uint32_t failed = llama_model_quantize(shipped.c_str(), partial.c_str(), &params);
  llama_log_set(log, of_log);
  REQUIRE(failed == 0);
  REQUIRE(fs::file_size(partial) == kF32Bytes);
  fs::rename(partial, path);
  return path;
}

LlamaEngineOptions exact_smollm2(const std::string& shipped) {
  LlamaEngineOptions options;
  options.model_path = smollm2_in_f32(shipped);
  options.cache_type = CacheType::kF32;
  options.flash_attention = false;
  options.gpu_layers = 0;
  options.hash_model = false;
  return options;
}

}  // namespace endorm
