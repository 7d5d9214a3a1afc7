#include "engine/llama/llama_hidden_states.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ggml-backend.h>
#include <ggml.h>
#include <llama.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr const char* kLastNorm = "result_norm";  // libllama's name in every decoder's graph
constexpr std::size_t kHiddenSequences = 32;      // rows of logits that libllama keeps room for, asked or not

}  // namespace

// Wants the last norm; behind it the pass is over (false), since no one reads its logits.
bool LlamaHiddenStates::on_node(ggml_tensor* node, bool ask, void* self) {
  const bool last_norm = std::strcmp(ggml_get_name(node), kLastNorm) == 0;
  if (ask) {
    return last_norm;
  }
  if (node->type == GGML_TYPE_F32 && ggml_is_contiguous(node)) {
    std::vector<float>& rows = static_cast<LlamaHiddenStates*>(self)->rows_;
    const std::size_t before = rows.size();
    rows.resize(before + static_cast<std::size_t>(ggml_nelements(node)));
    ggml_backend_tensor_get(node, rows.data() + before, 0, ggml_nbytes(node));
  }
  return false;
}

std::vector<std::vector<float>> LlamaHiddenStates::read(std::span<const Tokens> sequences) {
  // A child that is scored makes a plan read the row before it: that of a sequence's last token.
  TokenTree tree;
  std::vector<std::size_t> last_node;  // [S]
  for (const Tokens& sequence : sequences) {
    const Token any = 0;
    const std::size_t child = tree.insert(sequence, std::span(&any, 1)).front();
    last_node.push_back(*tree.nodes()[child].parent);
  }
  WaveLimits limits;
  limits.wave_tokens = parts_.options->wave_tokens;
  limits.batch_tokens = parts_.options->batch_tokens;
  limits.batch_rows = kHiddenSequences;
  limits.sequences = kHiddenSequences;
  // Passes of a recurrent model may compute sequences in another order: they go one by one.
  const WavePlan plan = parts_.info->recurrent ? plan_alone(tree, limits) : plan_waves(tree, limits);
  make_room(plan.cells, limits);

  std::vector<std::vector<float>> of_node(tree.nodes().size());
  for (const WaveStep& step : plan.steps) {
    rows_.clear();
    decode_step(parts_, context_, tree, step, {}, "hidden_states");
    std::size_t row = 0;
    for (const WaveToken& token : step.tokens) {
      if (token.read_row) {
        const std::span<const float> found = state(row++);
        of_node[token.node].assign(found.begin(), found.end());
      }
    }
    if (row * static_cast<std::size_t>(llama_model_n_embd_out(parts_.model)) != rows_.size()) {
      throw EngineError("[hidden_states] " + std::to_string(row) + " rows were asked for, and " +
                        std::to_string(rows_.size()) + " numbers came");
    }
    forget_sequences(context_, step);
  }
  std::vector<std::vector<float>> states;
  states.reserve(last_node.size());
  for (const std::size_t node : last_node) {
    states.push_back(of_node[node]);
  }
  return states;
}

void LlamaHiddenStates::make_room(std::size_t cells, const WaveLimits& limits) {
  if (context_ && cells <= cells_) {
    llama_memory_clear(llama_get_memory(context_.get()), false);
    return;
  }
  context_.reset();
  constexpr std::size_t kCellStep = 1024;
  cells_ = (std::max(cells, cells_) + kCellStep - 1) / kCellStep * kCellStep;
  LlamaContextShape shape{cells_, limits.sequences, limits.batch_rows, {}};
  shape.watch = on_node;
  shape.watcher = this;
  context_ = open_context(parts_, shape);
}

std::span<const float> LlamaHiddenStates::state(std::size_t row) const {
  const auto width = static_cast<std::size_t>(llama_model_n_embd_out(parts_.model));
  if ((row + 1) * width > rows_.size()) {
    throw EngineError("[hidden_states] the graph of " + parts_.model_name() + " (" + parts_.info->architecture +
                      ") has no state behind a last norm that is named \"" + kLastNorm + "\"");
  }
  const std::span<const float> found = std::span(rows_).subspan(row * width, width);
  if (!std::all_of(found.begin(), found.end(), [](float x) { return std::isfinite(x); })) {
    throw EngineError("[hidden_states] " + parts_.model_name() + " gave a state that is not finite");
  }
  return found;
}

}  // namespace endorm
