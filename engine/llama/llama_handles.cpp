#include "engine/llama/llama_handles.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string_view>

#include <ggml-backend.h>
#include <llama.h>

#include "core/errors.h"
#include "engine/accelerator/accelerator.h"
#include "engine/checkpoint_directory.h"
#include "engine/llama/processor_instructions.h"
#include "engine/llama_complaints.h"
#include "engine/machine_share.h"
#include "engine/weights/gguf_file.h"

namespace endorm {
namespace {

void start_backend() {
  static std::once_flag once;
  std::call_once(once, [] {
    require_processor_instructions();
    take_llama_complaints();  // from here on they are kept instead of printed
    llama_backend_init();
    register_accelerator_device();
  });
}

void check_model_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code failure;
  if (!fs::exists(path, failure)) {
    throw InvalidInput("[load model] " + path +
                       " does not exist. Give a GGUF file, or a name that `endorm models` lists.");
  }
  if (fs::is_directory(path, failure)) {
    throw InvalidInput("[load model] " + directory_advice(path));
  }
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  if (!file.read(magic, 4)) {
    throw InvalidInput("[load model] " + path + " cannot be read or is shorter than 4 bytes.");
  }
  if (std::string_view(magic, 4) != "GGUF") {
    throw InvalidInput("[load model] " + path +
                       " is not a GGUF file: it does not start with \"GGUF\". `endorm models convert` makes one of the "
                       "directory of a checkpoint.");
  }
}

ggml_type cache_ggml_type(CacheType type) {
  constexpr std::array kTypes = {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0};  // in their order
  return kTypes.at(static_cast<std::size_t>(type));
}

}  // namespace

void LlamaModelDeleter::operator()(llama_model* model) const { llama_model_free(model); }
void LlamaContextDeleter::operator()(llama_context* context) const { llama_free(context); }

LlamaModelHandle load_llama_model(const LlamaEngineOptions& options) {
  start_backend();
  check_model_file(options.model_path);
  check_gguf(options.model_path);
  take_llama_complaints();
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = options.gpu_layers;
  params.use_extra_bufts = options.precision == Precision::kNative;  // what ggml repacks, no one else can read
  LlamaModelHandle model(llama_model_load_from_file(options.model_path.c_str(), params));
  if (!model) {
    throw EngineError("[load model] " + options.model_path + " does not load: " + take_llama_complaints());
  }
  if (!llama_model_has_decoder(model.get()) || llama_model_has_encoder(model.get())) {
    throw InvalidInput("[load model] " + options.model_path +
                       " is no decoder-only language model: an endogenous reward needs "
                       "next-token logits.");
  }
  if (llama_vocab_type(llama_model_get_vocab(model.get())) == LLAMA_VOCAB_TYPE_WPM) {
    throw InvalidInput("[load model] " + options.model_path + " is an embedding model, not a language model.");
  }
  return model;
}

int thread_count(const LlamaEngineOptions& options) {
  return options.threads > 0 ? options.threads : usable_processors();
}

const char* cache_type_name(CacheType type) { return ggml_type_name(cache_ggml_type(type)); }

bool uses_gpu(const LlamaEngineOptions& options) {
  start_backend();
  return options.gpu_layers != 0 && (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_GPU) != nullptr ||
                                     ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_IGPU) != nullptr);
}

llama_adapter_lora* load_lora_adapter(llama_model* model, const LoraAdapter& adapter) {
  check_model_file(adapter.path);
  check_gguf(adapter.path);
  take_llama_complaints();
  llama_adapter_lora* handle = llama_adapter_lora_init(model, adapter.path.c_str());
  if (!handle) {
    throw EngineError("[load adapter] " + adapter.path + " does not load for this model: " + take_llama_complaints());
  }
  return handle;
}

LlamaModelInfo describe_model(const llama_model* model) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  LlamaModelInfo info;
  char text[256] = {};
  llama_model_desc(model, text, sizeof text);
  info.description = text;
  if (llama_model_meta_val_str(model, "general.architecture", text, sizeof text) > 0) {
    info.architecture = text;
  }
  info.parameters = llama_model_n_params(model);
  info.weight_bytes = llama_model_size(model);
  info.trained_context = static_cast<std::size_t>(llama_model_n_ctx_train(model));
  info.recurrent = llama_model_is_recurrent(model) || llama_model_is_hybrid(model);
  info.has_chat_template = llama_model_chat_template(model, nullptr) != nullptr;
  info.adds_bos = llama_vocab_get_add_bos(vocab);
  return info;
}

LlamaContextHandle make_llama_context(llama_model* model, const LlamaEngineOptions& options,
                                      const LlamaContextShape& shape) {
  const int threads = thread_count(options);
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<std::uint32_t>(shape.cells);
  // libllama plans for one token and one row a sequence, even where no pass has as many.
  const auto batch = static_cast<std::uint32_t>(std::max(options.batch_tokens, shape.sequences));
  params.n_batch = batch;
  params.n_ubatch = batch;
  params.n_seq_max = static_cast<std::uint32_t>(shape.sequences);
  params.n_outputs_max = static_cast<std::uint32_t>(std::max(shape.rows, shape.sequences));
  params.n_threads = threads;
  params.n_threads_batch = threads;
  params.type_k = cache_ggml_type(options.cache_type);
  params.type_v = cache_ggml_type(options.cache_type);
  params.flash_attn_type = !options.flash_attention && options.precision == Precision::kNative
                               ? LLAMA_FLASH_ATTN_TYPE_AUTO
                           : options.flash_attention.value_or(true) ? LLAMA_FLASH_ATTN_TYPE_ENABLED
                                                                    : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.samplers = shape.samplers.data();
  params.n_samplers = shape.samplers.size();
  params.n_outputs_max_per_seq = static_cast<std::uint32_t>(shape.rows);
  params.no_perf = true;
  params.swa_full = true;  // sliding-window layers keep what a later branch will read again
  params.kv_unified = shape.unified;
  params.cb_eval = shape.watch;
  params.cb_eval_user_data = shape.watcher;
  take_llama_complaints();
  LlamaContextHandle context(llama_init_from_model(model, params));
  if (!context) {
    throw EngineError("[llama context] no context for " + std::to_string(shape.cells) +
                      " tokens: " + take_llama_complaints() + ". Give a smaller --context, or another --kv-type.");
  }
  return context;
}

std::string llama_system_info() {
  start_backend();
  return llama_print_system_info();
}

}  // namespace endorm
