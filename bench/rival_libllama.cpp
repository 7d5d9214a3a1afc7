#include "bench/rival_libllama.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <llama.h>

#include "core/errors.h"

namespace endorm {
namespace {

// Tokens of one sequence, and where its scored part begins.
struct Sequence {
  Tokens tokens;
  std::size_t first_scored = 0;
};

std::vector<Sequence> sequences_of(const Workload& workload) {
  std::vector<Sequence> sequences;
  for (const Candidates& candidates : workload.prompts) {
    for (const Tokens& response : candidates.responses) {
      Sequence sequence{candidates.prompt, candidates.prompt.size()};
      sequence.tokens.insert(sequence.tokens.end(), response.begin(), response.end());
      sequences.push_back(std::move(sequence));
    }
  }
  return sequences;
}

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

struct BatchDeleter {
  void operator()(llama_batch* batch) const {
    llama_batch_free(*batch);
    delete batch;
  }
};
using Batch = std::unique_ptr<llama_batch, BatchDeleter>;

}  // namespace

struct LibllamaRival::State {
  llama_model* model = nullptr;
  llama_context* context = nullptr;
  Batch batch;
  Setting setting;
  std::size_t longest = 0;
  std::size_t vocabulary = 0;
  int threads = 0;

  ~State() {
    llama_free(context);
    llama_model_free(model);
  }

  // log pi of the scored tokens of sequences that are decoded together, in their order.
  void decode(std::span<const Sequence> together, std::vector<double>& log_probs) {
    struct Row {
      std::size_t batch_place;
      Token target;
    };
    std::vector<Row> rows;
    batch->n_tokens = 0;
    for (std::size_t s = 0; s < together.size(); ++s) {
      const Sequence& sequence = together[s];
      for (std::size_t i = 0; i < sequence.tokens.size(); ++i) {
        const int place = batch->n_tokens++;
        const bool scores = i + 1 >= sequence.first_scored && i + 1 < sequence.tokens.size();
        batch->token[place] = sequence.tokens[i];
        batch->pos[place] = static_cast<llama_pos>(i);
        batch->n_seq_id[place] = 1;
        batch->seq_id[place][0] = static_cast<llama_seq_id>(s);
        batch->logits[place] = scores ? 1 : 0;
        if (scores) {
          rows.push_back({static_cast<std::size_t>(place), sequence.tokens[i + 1]});
        }
      }
    }
    llama_memory_clear(llama_get_memory(context), false);
    if (llama_decode(context, *batch) != 0) {
      throw EngineError("[rival libllama] decode failed");
    }
    const std::size_t start = log_probs.size();
    log_probs.resize(start + rows.size());
    const float* logits = llama_get_logits(context);  // [rows, vocabulary]: only the rows that were asked for
    const auto count = static_cast<std::ptrdiff_t>(rows.size());
#pragma omp parallel for num_threads(threads)
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const auto row = static_cast<std::size_t>(i);
      log_probs[start + row] = scalar_log_prob(logits + row * vocabulary, vocabulary, rows[row].target);
    }
  }
};

LibllamaRival::LibllamaRival(const std::string& model_path, int threads) : state_(std::make_unique<State>()) {
  state_->model = llama_model_load_from_file(model_path.c_str(), llama_model_default_params());
  if (state_->model == nullptr) {
    throw EngineError("[rival libllama] " + model_path + " could not be loaded");
  }
  state_->vocabulary = static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(state_->model)));
  state_->threads = threads;
}

LibllamaRival::~LibllamaRival() = default;

void LibllamaRival::use(const Setting& setting, std::size_t longest) {
  const std::size_t tokens = longest * setting.sequences;
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = static_cast<std::uint32_t>(tokens);
  parameters.n_batch = static_cast<std::uint32_t>(tokens);
  parameters.n_ubatch = static_cast<std::uint32_t>(std::min(setting.ubatch, tokens));
  parameters.n_seq_max = static_cast<std::uint32_t>(setting.sequences);
  parameters.n_threads = state_->threads;
  parameters.n_threads_batch = state_->threads;
  parameters.flash_attn_type = setting.flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  llama_free(state_->context);
  state_->context = llama_init_from_model(state_->model, parameters);
  if (state_->context == nullptr) {
    throw EngineError("[rival libllama] no context of " + std::to_string(tokens) + " tokens");
  }
  state_->batch.reset(new llama_batch(llama_batch_init(static_cast<std::int32_t>(tokens), 0, 1)));
  state_->setting = setting;
  state_->longest = longest;
}

double LibllamaRival::seconds(const Setting& setting, const Workload& workload) {
  use(setting, longest_sequence(workload));
  const std::vector<Sequence> sequences = sequences_of(workload);
  Sequence short_one = sequences[0];
  short_one.tokens.resize(std::min<std::size_t>(short_one.tokens.size(), 32));
  short_one.first_scored = 1;
  std::vector<double> found;
  state_->decode({&short_one, 1}, found);  // wakes threads and touches memory
  const auto start = std::chrono::steady_clock::now();
  pass(workload);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return took.count() / static_cast<double>(sequences.size());
}

std::string LibllamaRival::tune(const Workload& workload) {
  const Workload one = first_sequences(workload, 1);
  const Workload four = first_sequences(workload, 4);
  Setting best;
  double fastest = seconds(best, one);
  const auto attempt = [&](Setting setting, const Workload& some) {
    const double took = seconds(setting, some);
    if (took < fastest) {
      fastest = took;
      best = setting;
    }
  };
  Setting other = best;
  other.flash_attention = false;
  attempt(other, one);
  if (longest_sequence(workload) > best.ubatch) {
    other = best;
    other.ubatch = 2048;
    attempt(other, one);
  }
  if (sequence_count(workload) >= 4) {
    other = best;
    other.sequences = 4;
    attempt(other, four);
  }
  use(best, longest_sequence(workload));
  return "ubatch " + std::to_string(best.ubatch) + ", flash attention " + (best.flash_attention ? "on" : "off") + ", " +
         std::to_string(best.sequences) + (best.sequences == 1 ? " sequence" : " sequences") + " at once";
}

Pass LibllamaRival::pass(const Workload& workload) {
  if (state_->context == nullptr || longest_sequence(workload) > state_->longest) {
    use(state_->setting, longest_sequence(workload));
  }
  const std::vector<Sequence> sequences = sequences_of(workload);
  Pass pass;
  for (std::size_t first = 0; first < sequences.size(); first += state_->setting.sequences) {
    const std::size_t count = std::min(state_->setting.sequences, sequences.size() - first);
    state_->decode(std::span(sequences).subspan(first, count), pass.log_probs);
  }
  for (const Sequence& sequence : sequences) {
    pass.tokens_computed += sequence.tokens.size();
  }
  return pass;
}

}  // namespace endorm
