#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/llama/llama_engine.h"
#include "engine/remote/remote_dialects.h"
#include "score/option.h"

namespace endorm {

// What a user says of the model: flags of a command, arguments of a call.
struct EngineSettings {
  std::string model = "smollm2-135m";
  std::string prompt_template = "model";
  std::vector<std::string> adapters;  // FILE or FILE:SCALE
  LlamaEngineOptions here;            // of a model that runs here, what is not said by another of these
  std::optional<std::size_t> packed_megabytes;
  bool offline = false;
  std::string python = "python3";  // whose pip fetches a known model
  std::optional<std::string> remote_url;
  RemoteDialect remote_dialect = RemoteDialect::kVllm;
  std::string remote_end_of_turn;
};

// The table of them.
std::span<const Option<EngineSettings>> engine_options();

// What they say of a model that runs here, which is resolved (downloaded if need be); not loaded.
LlamaEngineOptions local_engine_options(const EngineSettings& settings);

// Resolves the model (downloading it if need be) and loads it.
std::unique_ptr<LlamaEngine> make_local_engine(const EngineSettings& settings);

// The same; or connects to the server at remote_url.
std::unique_ptr<Engine> make_engine(const EngineSettings& settings);

}  // namespace endorm
