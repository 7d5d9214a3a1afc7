#include "engine/llama/llama_decode.h"

#include <filesystem>
#include <optional>
#include <utility>

#include <llama.h>

#include "core/errors.h"
#include "engine/llama/llama_media.h"
#include "engine/llama_complaints.h"

namespace endorm {

std::string LlamaParts::model_name() const { return std::filesystem::path(options->model_path).filename().string(); }

LlamaContextHandle open_context(const LlamaParts& parts, const LlamaContextShape& shape) {
  const Accelerator::Use use(parts.accelerator);
  LlamaContextHandle context = make_llama_context(parts.model, *parts.options, shape);
  if (!parts.adapters.empty()) {
    std::vector<llama_adapter_lora*> adapters = parts.adapters;
    std::vector<float> scales;
    for (const LoraAdapter& adapter : parts.options->adapters) {
      scales.push_back(adapter.scale);
    }
    if (llama_set_adapters_lora(context.get(), adapters.data(), adapters.size(), scales.data()) != 0) {
      throw EngineError("[llama context] the adapters cannot be applied: " + take_llama_complaints());
    }
  }
  return context;
}

void TokenBatch::add(Token token, std::size_t position, int first_sequence, int last_sequence, bool read_row) {
  tokens_.push_back(token);
  positions_.push_back(static_cast<llama_pos>(position));
  std::vector<llama_seq_id>& sequences = sequences_.emplace_back();
  for (int sequence = first_sequence; sequence <= last_sequence; ++sequence) {
    sequences.push_back(sequence);
  }
  read_rows_.push_back(static_cast<std::int8_t>(read_row));
}

llama_batch TokenBatch::view() {
  sequence_counts_.clear();
  sequence_lists_.clear();
  for (std::vector<llama_seq_id>& sequences : sequences_) {
    sequence_counts_.push_back(static_cast<std::int32_t>(sequences.size()));
    sequence_lists_.push_back(sequences.data());
  }
  llama_batch batch{};
  batch.n_tokens = static_cast<std::int32_t>(tokens_.size());
  batch.token = tokens_.data();
  batch.pos = positions_.data();
  batch.n_seq_id = sequence_counts_.data();
  batch.seq_id = sequence_lists_.data();
  batch.logits = read_rows_.data();
  return batch;
}

void throw_unusable(const LlamaParts& parts, const char* function, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const InvalidInput& error) {
    throw EngineError("[" + std::string(function) + "] " + parts.model_name() +
                      " gave unusable logits: " + error.what());
  }
}

void decode(const LlamaParts& parts, LlamaContextHandle& context, TokenBatch& batch, const char* function) {
  decode_batch(parts, context, batch.view(), function);
}

void decode_batch(const LlamaParts& parts, LlamaContextHandle& context, const llama_batch& batch,
                  const char* function) {
  const Accelerator::Use use(parts.accelerator);
  const int status = llama_decode(context.get(), batch);
  if (status == 0) {
    llama_synchronize(context.get());
    return;
  }
  context.reset();
  if (parts.accelerator && parts.accelerator->failure) {
    throw_unusable(parts, function, std::exchange(parts.accelerator->failure, nullptr));
  }
  throw EngineError("[" + std::string(function) + "] decoding " + std::to_string(batch.n_tokens) +
                    " tokens failed with status " + std::to_string(status) + ": " + take_llama_complaints());
}

void copy_sequences(LlamaContextHandle& context, const TokenTree& tree, const WaveStep& step,
                    std::span<const NodePlace> places) {
  std::optional<std::size_t> positions = step.copy_positions;
  if (positions && !places.empty()) {  // they end where the path above this step's tokens does
    positions = places[*tree.nodes()[step.tokens.front().node].parent].end;
  }
  for (const int sequence : step.copy_to) {
    const auto end = positions ? static_cast<llama_pos>(*positions) : -1;
    llama_memory_seq_cp(llama_get_memory(context.get()), step.copy_from, sequence, -1, end);
  }
}

void forget_sequences(LlamaContextHandle& context, const WaveStep& step) {
  for (const int sequence : step.forget) {
    llama_memory_seq_rm(llama_get_memory(context.get()), sequence, -1, -1);
  }
}

void decode_step(const LlamaParts& parts, LlamaContextHandle& context, const TokenTree& tree, const WaveStep& step,
                 std::span<const NodePlace> places, const char* function) {
  copy_sequences(context, tree, step, places);
  if (is_medium(tree.nodes()[step.tokens.front().node].token)) {
    parts.media->decode(parts, context, tree, step, places, function);
    return;
  }
  TokenBatch batch;
  for (const WaveToken& token : step.tokens) {
    const TokenTree::Node& node = tree.nodes()[token.node];
    const std::size_t position = places.empty() ? node.depth : places[token.node].position;
    batch.add(node.token, position, token.first_sequence, token.last_sequence, token.read_row);
  }
  decode(parts, context, batch, function);
}

}  // namespace endorm
