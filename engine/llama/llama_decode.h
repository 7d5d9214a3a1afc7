#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "engine/accelerator/accelerator.h"
#include "engine/llama/llama_handles.h"
#include "engine/llama/wave_plan.h"

struct llama_batch;

namespace endorm {

class LlamaMedia;
struct NodePlace;

// What computing with one model takes. All of it must outlive those who compute.
struct LlamaParts {
  llama_model* model = nullptr;
  const LlamaEngineOptions* options = nullptr;
  const LlamaModelInfo* info = nullptr;
  std::vector<llama_adapter_lora*> adapters;
  Accelerator* accelerator = nullptr;  // nullptr: llama.cpp's own kernels
  LlamaMedia* media = nullptr;         // nullptr: it reads text alone

  std::string model_name() const;  // of its file
};

// A context with the model's adapters and its accelerator. Throws EngineError where memory or adapters fail.
LlamaContextHandle open_context(const LlamaParts& parts, const LlamaContextShape& shape);

// The tokens of one decode.
class TokenBatch {
 public:
  // The token belongs to the sequences [first_sequence, last_sequence].
  void add(Token token, std::size_t position, int first_sequence, int last_sequence, bool read_row);
  std::size_t size() const { return tokens_.size(); }
  // For llama_decode; holds until the batch changes.
  llama_batch view();

 private:
  std::vector<std::int32_t> tokens_;
  std::vector<std::int32_t> positions_;
  std::vector<std::vector<std::int32_t>> sequences_;
  std::vector<std::int32_t> sequence_counts_;
  std::vector<std::int32_t*> sequence_lists_;
  std::vector<std::int8_t> read_rows_;
};

// Throws what failed in a pass; InvalidInput, which is about a row of logits, as EngineError, for here it is about the
// model.
[[noreturn]] void throw_unusable(const LlamaParts& parts, const char* function, const std::exception_ptr& failure);

// One pass through the model, complete when it returns. function names the caller in errors. Throws EngineError where
// libllama fails; the context is gone then.
void decode_batch(const LlamaParts& parts, LlamaContextHandle& context, const llama_batch& batch, const char* function);
void decode(const LlamaParts& parts, LlamaContextHandle& context, TokenBatch& batch, const char* function);

// Of one step of a plan: the copies of sequences before its decode, and what it forgets behind it. places: of a tree
// with media in it, where positions are not depths (LlamaMedia::places); empty otherwise.
void copy_sequences(LlamaContextHandle& context, const TokenTree& tree, const WaveStep& step,
                    std::span<const NodePlace> places);
void forget_sequences(LlamaContextHandle& context, const WaveStep& step);
// The copies and the decode; what the step forgets is left to the caller.
void decode_step(const LlamaParts& parts, LlamaContextHandle& context, const TokenTree& tree, const WaveStep& step,
                 std::span<const NodePlace> places, const char* function);

}  // namespace endorm
