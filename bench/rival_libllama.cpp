#include "bench/rival_libllama.h"

#include <algorithm>
#include <cmath>

#include <llama.h>

#include "core/errors.h"

namespace endorm {
namespace {

double scalar_log_prob(const float* logits, std::size_t vocabulary, Token token) {
  float maximum = logits[0];
  for (std::size_t i = 1; i < vocabulary; ++i) {
    maximum = std::max(maximum, logits[i]);
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < vocabulary; ++i) {
    sum += std::exp(logits[i] - maximum);
  }
  return logits[token] - maximum - std::log(sum);
}

}  // namespace

struct LibllamaRival::State {
  llama_model* model = nullptr;
  llama_context* context = nullptr;
  std::size_t vocabulary = 0;
  int threads = 0;

  ~State() {
    llama_free(context);
    llama_model_free(model);
  }
};

LibllamaRival::LibllamaRival(const std::string& model_path, int threads, std::size_t longest, const Setting& setting)
    : state_(std::make_unique<State>()) {
  state_->model = llama_model_load_from_file(model_path.c_str(), llama_model_default_params());
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = static_cast<std::uint32_t>(longest);
  parameters.n_batch = static_cast<std::uint32_t>(longest);
  parameters.n_ubatch = static_cast<std::uint32_t>(setting.ubatch);
  parameters.n_threads = threads;
  parameters.n_threads_batch = threads;
  parameters.flash_attn_type = setting.flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  state_->context = state_->model == nullptr ? nullptr : llama_init_from_model(state_->model, parameters);
  if (state_->context == nullptr) {
    throw EngineError("[rival libllama] " + model_path + " could not be loaded");
  }
  state_->vocabulary = static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(state_->model)));
  state_->threads = threads;
}

LibllamaRival::~LibllamaRival() = default;

std::vector<double> LibllamaRival::log_probs(const Workload& workload) {
  std::vector<double> log_probs;
  for (const Candidates& candidates : workload.prompts) {
    for (const Tokens& response : candidates.responses) {
      Tokens tokens = candidates.prompt;
      tokens.insert(tokens.end(), response.begin(), response.end());
      const std::size_t count = tokens.size();
      std::vector<std::int8_t> outputs(count, 1);
      llama_batch batch = llama_batch_get_one(tokens.data(), static_cast<std::int32_t>(count));
      batch.logits = outputs.data();
      llama_memory_clear(llama_get_memory(state_->context), false);
      if (llama_decode(state_->context, batch) != 0) {
        throw EngineError("[rival libllama] decode failed");
      }
      const float* logits = llama_get_logits(state_->context);
      const std::size_t first = candidates.prompt.size();
      const std::size_t start = log_probs.size();
      log_probs.resize(start + response.size());
      const auto scored = static_cast<std::ptrdiff_t>(response.size());
#pragma omp parallel for num_threads(state_->threads)
      for (std::ptrdiff_t i = 0; i < scored; ++i) {
        const std::size_t place = first + static_cast<std::size_t>(i);
        log_probs[start + static_cast<std::size_t>(i)] =
            scalar_log_prob(logits + (place - 1) * state_->vocabulary, state_->vocabulary, tokens[place]);
      }
    }
  }
  return log_probs;
}

}  // namespace endorm
