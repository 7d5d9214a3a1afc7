#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/precision.h"

namespace endorm {

struct LoraAdapter {
  std::string path;
  float scale = 1.0F;
};

// Where the text around prompt and response comes from.
enum class TemplateSource {
  kModel,  // the chat template inside the model file
  kFile,   // jinja source in LlamaEngineOptions::template_text
  kPlain,  // "Question: ... Answer: ...", for base models
  kRaw,    // the text as it is; special tokens spelled out in it are special tokens
};

// The number format of the key-value cache.
enum class CacheType { kF32, kF16, kBf16, kQ8 };

// Where the statistics of a row of logits are computed.
enum class StatisticsPlace {
  kAuto,    // kDevice where the model's last layer is on a GPU, kHost otherwise
  kHost,    // logits come to the processor; sums in double
  kDevice,  // beside the logits, sums in float; used only after a self-test against the host
};

struct LlamaEngineOptions {
  // What changes the numbers.
  std::string model_path;  // a GGUF file
  std::vector<LoraAdapter> adapters;
  TemplateSource template_source = TemplateSource::kModel;
  std::string template_text;           // with kFile: the jinja source
  std::optional<std::size_t> context;  // longest sequence in tokens; the model's own limit where not given
  CacheType cache_type = CacheType::kF16;
  Precision precision = Precision::kExact;  // of matrix products; kNative wherever layers are on a GPU
  bool f32_products = false;            // with kExact: in f32 even where a 16-bit type is faster, to compare weights
  std::optional<bool> flash_attention;  // the engine's choice where not given
  StatisticsPlace statistics = StatisticsPlace::kAuto;
  std::size_t wave_tokens = 512;   // tokens computed together behind a shared prefix
  std::size_t batch_tokens = 512;  // tokens in one pass through the model

  // What changes only speed and memory.
  int threads = 0;                                // 0: all cores
  int gpu_layers = -1;                            // layers on a GPU where there is one; -1: all
  std::size_t row_bytes = std::size_t{48} << 20;  // logits held at once; rows are reduced in chunks of this size
  std::size_t kept_prefix_tokens = 0;             // of prompts whose keys and values stay between evaluations, for
                                                  // responses that come later; none where llama.cpp's own kernels
                                                  // compute, whose attention would walk them all
  std::size_t generation_bytes = std::size_t{1} << 30;  // keys and values of the completions that are drawn together
  std::optional<std::size_t> packed_bytes;  // weights packed for fast products; half of the free memory where not given
  std::string choice_cache_directory;       // keeps which product type is fastest here; empty: measured every time
  bool hash_model = true;  // sha256 of the model file in the fingerprint; without it path, size and time of change
  std::string hash_cache_directory;  // keeps hashes of large files between runs; empty: hash every time
};

// What can be said about a loaded model.
struct LlamaModelInfo {
  std::string file;
  std::string sha256;       // empty where hash_model is false
  std::string description;  // architecture, size and quantisation in llama.cpp's words
  std::string architecture;
  std::size_t parameters = 0;
  std::size_t weight_bytes = 0;
  std::size_t vocabulary = 0;       // columns that a log-sum-exp runs over
  std::size_t padding_columns = 0;  // columns left out
  std::size_t trained_context = 0;
  bool recurrent = false;  // or hybrid: branches are copies of the state
  bool has_chat_template = false;
  bool adds_bos = false;
};

// How matrix products are computed, and where the time of the passes so far went, in seconds.
struct AcceleratorInfo {
  Precision precision = Precision::kNative;
  std::string library;                // of matrix products; empty where they are llama.cpp's own
  std::string product_type;           // "f32", "bf16", "f16" or "int8"
  std::string reason;                 // why it is this precision and this type
  std::size_t packed_bytes = 0;       // weights in the layout of their products
  std::size_t released_bytes = 0;     // of the model file, given back to the system once packed
  std::size_t unpacked_matrices = 0;  // left to llama.cpp because LlamaEngineOptions::packed_bytes was reached
  double products_seconds = 0.0;
  double conversion_seconds = 0.0;
  double attention_seconds = 0.0;
  double head_seconds = 0.0;
  double activation_seconds = 0.0;
  double other_seconds = 0.0;
  double packing_seconds = 0.0;
  double product_operations = 0.0;  // floating-point operations of products and head
};

// An engine over libllama, for any model in GGUF. Not thread-safe.
class LlamaEngine : public Engine {
 public:
  virtual const LlamaModelInfo& model_info() const = 0;
  virtual std::string arithmetic() const = 0;  // of matrix products: "exact bf16", "fast int8 and bf16", "native", ...
  virtual std::string statistics_fault() const = 0;  // why they are on the host where the device was to give them
  virtual std::size_t tokens_computed_to_generate() const = 0;  // of prompts and completions, since the engine was made
  virtual const AcceleratorInfo& accelerator_info() = 0;        // what the accelerator has done so far
};

// Loads the model. Throws InvalidInput where the file is missing, no GGUF, or has no chat template and none was given;
// EngineError where it is corrupt, of an unknown architecture, or does not fit into memory.
std::unique_ptr<LlamaEngine> make_llama_engine(const LlamaEngineOptions& options);

// The features of this processor that the compute library was built with and uses, in its own words.
std::string llama_system_info();

}  // namespace endorm
