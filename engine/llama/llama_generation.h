#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/completion_draft.h"
#include "engine/llama/llama_decode.h"

namespace endorm {

// Completions of one model, many drawn together: every slot of the cache holds one sequence, all slots take part in
// each pass, and where a completion ends the next request takes its slot. A slot keeps what it computed until then, so
// that what prompts share is computed once and copied (recurrent models cannot go back, and compute every prompt
// whole). Has a context of its own, made at first use.
class LlamaGeneration {
 public:
  // Bytes of a token, for the text of completions.
  using TokenBytes = std::function<std::string(Token)>;
  LlamaGeneration(LlamaParts parts, TokenBytes token_bytes);

  // Requests must not be empty, nor longer than the model's context. Throws EngineError where libllama fails or a row
  // of logits is unusable.
  void run(std::span<const GenerationRequest> requests, const SamplingOptions& options, const CompletionSink& sink);
  // Of prompts and completions, since this was made.
  std::size_t tokens_computed() const { return tokens_computed_; }

 private:
  struct Slot {
    Tokens held;                           // whose keys and values are in the cache
    std::optional<CompletionDraft> draft;  // none: free, what it holds may be used again
    std::size_t request = 0;               // of the draft
  };

  void make_room(std::span<const GenerationRequest> requests, const SamplingOptions& options);
  std::size_t slot_count(std::size_t requests, std::size_t slot_cells) const;
  // Gives free slots to requests of the queue.
  void admit(std::deque<std::size_t>& queue, std::span<const GenerationRequest> requests,
             const SamplingOptions& options);
  std::optional<std::size_t> find_place(const Tokens& prompt);
  void close_gaps();
  void copy_slot(std::size_t from, std::size_t to);
  // One pass over all slots at work, and a token for each whose last one was computed.
  void advance();
  void draw(std::span<const std::size_t> slots, std::span<const std::int32_t> places);
  void hand_over_ended(const CompletionSink& sink);
  bool working() const;
  void free_slots();

  LlamaParts parts_;
  TokenBytes token_bytes_;
  LlamaContextHandle context_;
  std::size_t slot_cells_ = 0;
  std::vector<Slot> slots_;
  std::atomic<std::size_t> tokens_computed_ = 0;
};

}  // namespace endorm
