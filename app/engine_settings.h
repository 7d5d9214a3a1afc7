#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/llama/llama_engine.h"

namespace endorm {

// What a user says of the model: flags of a command, arguments of a call. Names are those of the flags.
struct EngineSettings {
  std::string model = "smollm2-135m";
  std::string prompt_template = "model";
  std::vector<std::string> adapters;  // FILE or FILE:SCALE
  std::optional<std::size_t> context;
  std::string cache_type = "f16";
  std::string precision = "exact";
  std::string flash_attention = "auto";
  std::string statistics = "auto";
  std::size_t wave_tokens = 0;   // 0: the engine's default
  std::size_t batch_tokens = 0;  // 0: the engine's default
  int threads = 0;
  int gpu_layers = -1;
  std::optional<std::size_t> packed_megabytes;
  std::size_t kept_prefix_tokens = 0;  // no flag of its own: for who asks again and again
  bool offline = false;
  bool no_model_hash = false;
  std::string remote_url;
  std::string remote_dialect = "vllm";
  std::string remote_end_of_turn;
};

// What they say of a model that runs here, which is resolved (downloaded if need be); not loaded.
LlamaEngineOptions local_engine_options(const EngineSettings& settings);

// Resolves the model (downloading it if need be) and loads it; or connects to the server at remote_url.
std::unique_ptr<Engine> make_engine(const EngineSettings& settings);

}  // namespace endorm
