#include "engine/llama/llama_generation.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <utility>

#include <ggml.h>
#include <llama.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::size_t kRecurrentSlots = 16;  // each costs a whole state
constexpr std::size_t kWorthACopy = 16;      // tokens: fewer are sooner computed than a slot is copied

std::size_t common_prefix(std::span<const Token> a, std::span<const Token> b) {
  const std::size_t most = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(most), b.begin()).first - a.begin());
}

// Token i of the prompt and what was drawn behind it.
Token token_at(const CompletionDraft& draft, std::size_t i) {
  const std::size_t prompt = draft.prompt().size();
  return i < prompt ? draft.prompt()[i] : draft.tokens()[i - prompt];
}

std::size_t length_of(const CompletionDraft& draft) { return draft.prompt().size() + draft.tokens().size(); }

// A number of the model file's header, 0 where it has none.
std::size_t header_number(const llama_model* model, const std::string& key) {
  char text[32] = {};
  return llama_model_meta_val_str(model, key.c_str(), text, sizeof text) > 0 ? std::strtoull(text, nullptr, 10) : 0;
}

// Of the keys and values of one token, in all layers.
std::size_t cell_bytes(const LlamaParts& parts) {
  const llama_model* model = parts.model;
  const auto heads = static_cast<std::size_t>(std::max(1, llama_model_n_head(model)));
  const std::size_t usual = static_cast<std::size_t>(llama_model_n_embd(model)) / heads;
  const std::string attention = parts.info->architecture + ".attention.";
  const std::size_t key = header_number(model, attention + "key_length");
  const std::size_t value = header_number(model, attention + "value_length");
  const std::size_t numbers = static_cast<std::size_t>(llama_model_n_layer(model) * llama_model_n_head_kv(model)) *
                              ((key > 0 ? key : usual) + (value > 0 ? value : usual));
  return std::max<std::size_t>(1, numbers * (parts.options->cache_type == CacheType::kF32 ? 4 : 2));
}

}  // namespace

LlamaGeneration::LlamaGeneration(LlamaParts parts, TokenBytes token_bytes)
    : parts_(std::move(parts)), token_bytes_(std::move(token_bytes)) {}

void LlamaGeneration::run(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                          const CompletionSink& sink) {
  if (requests.empty()) {
    return;
  }
  make_room(requests, options);
  std::deque<std::size_t> queue(requests.size());
  std::iota(queue.begin(), queue.end(), std::size_t{0});
  try {
    while (!queue.empty() || working()) {
      admit(queue, requests, options);
      advance();
      hand_over_ended(sink);
    }
  } catch (...) {
    free_slots();  // drafts refer to requests
    throw;
  }
}

void LlamaGeneration::hand_over_ended(const CompletionSink& sink) {
  for (Slot& slot : slots_) {
    if (slot.draft && slot.draft->ended()) {
      Completion completion = slot.draft->take();
      slot.draft.reset();
      sink(slot.request, std::move(completion));
    }
  }
}

void LlamaGeneration::free_slots() {
  for (Slot& slot : slots_) {
    slot.draft.reset();
  }
}

// Slots of one length, that of the longest request: what a pass then walks is what its sequences hold.
void LlamaGeneration::make_room(std::span<const GenerationRequest> requests, const SamplingOptions& options) {
  std::size_t longest = 0;
  for (const GenerationRequest& request : requests) {
    longest = std::max(longest, request.prompt.size() + options.max_tokens);
  }
  constexpr std::size_t kCellStep = 256;
  const std::size_t cells = (longest + kCellStep - 1) / kCellStep * kCellStep;
  const std::size_t count = slot_count(requests.size(), cells);
  if (context_ && cells <= slot_cells_ && count <= slots_.size()) {
    return;
  }
  context_.reset();
  slot_cells_ = cells;
  slots_ = std::vector<Slot>(count);
  LlamaContextShape shape{count * cells, count, count, {}};
  shape.unified = false;
  context_ = open_context(parts_, shape);
}

std::size_t LlamaGeneration::slot_count(std::size_t requests, std::size_t slot_cells) const {
  const LlamaEngineOptions& options = *parts_.options;
  const std::size_t row = (parts_.info->vocabulary + parts_.info->padding_columns) * sizeof(float);
  std::size_t count = std::min({requests, llama_max_parallel_sequences(), options.batch_tokens});
  count = std::min(count, std::max<std::size_t>(1, options.row_bytes / row));
  return parts_.info->recurrent
             ? std::min(count, kRecurrentSlots)
             : std::min(count, std::max<std::size_t>(1, options.generation_bytes / (slot_cells * cell_bytes(parts_))));
}

bool LlamaGeneration::working() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.draft.has_value(); });
}

void LlamaGeneration::admit(std::deque<std::size_t>& queue, std::span<const GenerationRequest> requests,
                            const SamplingOptions& options) {
  const auto free_slots = static_cast<std::size_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.draft; }));
  // One that waits for the prefix it shares lets those behind it pass; not all of a long queue is looked at.
  std::size_t looked_at = 0;
  std::size_t placed = 0;
  for (auto next = queue.begin(); next != queue.end() && placed < free_slots && looked_at < 2 * slots_.size();
       ++looked_at) {
    if (const auto place = find_place(requests[*next].prompt)) {
      slots_[*place].draft.emplace(requests[*next], options);
      slots_[*place].request = *next;
      next = queue.erase(next);
      ++placed;
    } else {
      ++next;
    }
  }
  if (queue.empty() && !parts_.info->recurrent) {
    close_gaps();
  }
}

// A free slot that holds the longest prefix of the prompt that some slot holds, and nothing else. None where a slot is
// about to compute more of it.
std::optional<std::size_t> LlamaGeneration::find_place(const Tokens& prompt) {
  const llama_memory_t memory = llama_get_memory(context_.get());
  const auto free = [](const Slot& slot) { return !slot.draft.has_value(); };
  // The last token is computed in any case: its logits are needed.
  const std::span<const Token> prefix = std::span(prompt).first(prompt.size() - 1);
  std::size_t best = 0;  // the slot that holds most of it, a free one where there is a choice
  std::size_t most = 0;
  std::size_t promised = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::size_t held = common_prefix(slots_[i].held, prefix);
    if (held > most || (held == most && free(slots_[i]) && !free(slots_[best]))) {
      best = i;
      most = held;
    }
    if (!free(slots_[i])) {
      promised = std::max(promised, common_prefix(slots_[i].draft->prompt(), prefix));
    }
  }
  if (parts_.info->recurrent) {
    most = 0;
  } else if (promised >= most + kWorthACopy) {
    return std::nullopt;
  }
  std::size_t own = best;
  if (!free(slots_[best])) {
    own = static_cast<std::size_t>(std::find_if(slots_.begin(), slots_.end(), free) - slots_.begin());
    if (most >= kWorthACopy) {
      copy_slot(best, own);
    } else {
      most = common_prefix(slots_[own].held, prefix);
    }
  }
  most = parts_.info->recurrent ? 0 : most;
  const auto sequence = static_cast<llama_seq_id>(own);
  if (!llama_memory_seq_rm(memory, sequence, static_cast<llama_pos>(most), -1)) {
    llama_memory_seq_rm(memory, sequence, -1, -1);  // a memory that cannot go back
    most = 0;
  }
  slots_[own].held.resize(most);
  return own;
}

void LlamaGeneration::copy_slot(std::size_t from, std::size_t to) {
  const llama_memory_t memory = llama_get_memory(context_.get());
  llama_memory_seq_rm(memory, static_cast<llama_seq_id>(to), -1, -1);
  llama_memory_seq_cp(memory, static_cast<llama_seq_id>(from), static_cast<llama_seq_id>(to), -1, -1);
  slots_[to].held = slots_[from].held;
}

// A pass computes runs of neighbouring slots together. Towards the end, the last ones at work move into the gaps.
void LlamaGeneration::close_gaps() {
  const auto working = [](const Slot& slot) { return slot.draft.has_value(); };
  std::size_t end = slots_.size();
  for (std::size_t gap = 0; gap < end; ++gap) {
    if (working(slots_[gap])) {
      continue;
    }
    while (end > gap && !working(slots_[end - 1])) {
      --end;
    }
    if (end <= gap) {
      return;
    }
    copy_slot(end - 1, gap);
    slots_[gap].draft = std::exchange(slots_[end - 1].draft, std::nullopt);
    slots_[gap].request = slots_[end - 1].request;
  }
}

void LlamaGeneration::advance() {
  std::size_t spare = parts_.options->batch_tokens;  // tokens beyond one a slot
  for (const Slot& slot : slots_) {
    spare -= slot.draft ? 1 : 0;
  }
  TokenBatch batch;
  std::vector<std::size_t> ready;  // slots whose next token can be drawn
  std::vector<std::int32_t> places;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.draft) {
      continue;
    }
    const CompletionDraft& draft = *slot.draft;
    const std::size_t pending = length_of(draft) - slot.held.size();
    const std::size_t count = std::min(pending, 1 + spare);
    spare -= count - 1;
    for (std::size_t t = 0; t < count; ++t) {
      const Token token = token_at(draft, slot.held.size());
      const auto sequence = static_cast<int>(i);
      batch.add(token, slot.held.size(), sequence, sequence, t + 1 == pending);
      slot.held.push_back(token);
    }
    if (count == pending) {
      ready.push_back(i);
      places.push_back(static_cast<std::int32_t>(batch.size() - 1));
    }
  }
  if (parts_.accelerator) {
    parts_.accelerator->request.reset();  // the logits themselves are wanted
  }
  decode(parts_, context_, batch, "generate");
  tokens_computed_ += batch.size();
  draw(ready, places);
}

void LlamaGeneration::draw(std::span<const std::size_t> slots, std::span<const std::int32_t> places) {
  std::vector<const float*> rows;
  for (const std::int32_t place : places) {
    rows.push_back(llama_get_logits_ith(context_.get(), place));
  }
  std::vector<Token> tokens(slots.size());
  std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic) num_threads(llama_n_threads_batch(context_.get()))
  for (std::ptrdiff_t n = 0; n < static_cast<std::ptrdiff_t>(slots.size()); ++n) {
    const auto i = static_cast<std::size_t>(n);
    try {
      tokens[i] = slots_[slots[i]].draft->draw(std::span(rows[i], parts_.info->vocabulary));
    } catch (...) {
#pragma omp critical(endorm_draw_failure)
      failure = std::current_exception();
    }
  }
  if (failure) {
    context_.reset();
    throw_unusable(parts_, "generate", failure);
  }
  const llama_vocab* vocab = llama_model_get_vocab(parts_.model);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    CompletionDraft& draft = *slots_[slots[i]].draft;
    if (llama_vocab_is_eog(vocab, tokens[i])) {
      draft.end_turn(tokens[i]);
    } else {
      draft.add(tokens[i], token_bytes_(tokens[i]));
    }
  }
}

}  // namespace endorm
