#pragma once

#include <memory>
#include <span>
#include <string>

#include "engine/llama/llama_engine.h"

struct llama_model;
struct llama_context;
struct llama_adapter_lora;
struct llama_sampler_seq_config;
struct ggml_tensor;

namespace endorm {

struct LlamaModelDeleter {
  void operator()(llama_model* model) const;
};
struct LlamaContextDeleter {
  void operator()(llama_context* context) const;
};
using LlamaModelHandle = std::unique_ptr<llama_model, LlamaModelDeleter>;
using LlamaContextHandle = std::unique_ptr<llama_context, LlamaContextDeleter>;

// Loads the weights. Throws as make_llama_engine.
LlamaModelHandle load_llama_model(const LlamaEngineOptions& options);
// Threads that compute.
int thread_count(const LlamaEngineOptions& options);

// The number format of the key-value cache in ggml's words.
const char* cache_type_name(CacheType type);

// Whether layers of the model go to a GPU.
bool uses_gpu(const LlamaEngineOptions& options);
// The adapter belongs to the model and goes with it.
llama_adapter_lora* load_lora_adapter(llama_model* model, const LoraAdapter& adapter);
LlamaModelInfo describe_model(const llama_model* model);

// What a context needs beyond the model. cells: tokens that the cache can hold.
struct LlamaContextShape {
  std::size_t cells = 0;
  std::size_t sequences = 0;
  std::size_t rows = 0;                          // rows of logits in one decode
  std::span<llama_sampler_seq_config> samplers;  // nodes added to the graph behind the logits, for each sequence
  bool unified = true;  // one pool of cells: sharing a prefix copies nothing; false: every sequence has cells /
                        // sequences of its own, which is all that its attention walks
  // Called with watcher for every node of the graph (ggml's eval callback); nullptr: none.
  bool (*watch)(ggml_tensor* node, bool ask, void* watcher) = nullptr;
  void* watcher = nullptr;
};
LlamaContextHandle make_llama_context(llama_model* model, const LlamaEngineOptions& options,
                                      const LlamaContextShape& shape);

}  // namespace endorm
