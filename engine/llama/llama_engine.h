#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/accelerator/accelerator_report.h"
#include "engine/engine.h"
#include "engine/generator.h"
#include "engine/hidden_states.h"
#include "engine/precision.h"
#include "engine/text_form.h"

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
  std::string projector_path;  // the encoder of images and sounds, a GGUF file (mmproj); empty: text alone
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
  int threads = 0;                                   // 0: usable_processors()
  int gpu_layers = -1;                               // layers on a GPU where there is one; -1: all
  std::size_t row_bytes = std::size_t{48} << 20;     // logits held at once; rows are reduced in chunks of this size
  std::size_t kept_prefix_tokens = 0;                // of prompts whose keys and values stay between evaluations, for
                                                     // responses that come later; none where llama.cpp's own kernels
                                                     // compute, whose attention would walk them all
  std::size_t media_bytes = std::size_t{256} << 20;  // of encoded images and sounds, the latest
  std::size_t generation_bytes = std::size_t{1} << 30;  // keys and values of the completions that are drawn together
  std::optional<std::size_t> packed_bytes;  // weights packed for fast products; half of the free memory where not given
  std::string choice_cache_directory;       // keeps which product type is fastest here; empty: measured every time
  bool hash_model = true;  // sha256 of the model file in the fingerprint; without it path, size and time of change
  std::string hash_cache_directory;  // keeps hashes of large files between runs; empty: hash every time
};

// What can be said about a model that is loaded here.
struct LlamaModelInfo {
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

// How matrix products are computed.
struct AcceleratorInfo {
  Precision precision = Precision::kNative;
  std::string product_type;  // "f32", "bf16", "f16" or "int8"
  std::string reason;        // why it is this precision and this type
  AcceleratorReport report;  // of the passes so far
};

// An engine over libllama, for any model in GGUF. It has everything that an engine may have. Not thread-safe.
class LlamaEngine : public Engine, public TextForm, public Generator, public HiddenStates {
 public:
  const TextForm* text_form() const final { return this; }
  Generator* generator() final { return this; }
  HiddenStates* hidden_states() final { return this; }

  virtual const LlamaModelInfo& model_info() const = 0;
  virtual std::string statistics_fault() const = 0;  // why they are on the host where the device was to give them
  virtual AcceleratorInfo accelerator_info() const = 0;
};

// Loads the model. Throws InvalidInput where the file is missing, no GGUF, or has no chat template and none was given;
// EngineError where it is corrupt, of an unknown architecture, or does not fit into memory.
std::unique_ptr<LlamaEngine> make_llama_engine(const LlamaEngineOptions& options);

// The features of this processor that the compute library was built with and uses, in its own words.
std::string llama_system_info();

}  // namespace endorm
