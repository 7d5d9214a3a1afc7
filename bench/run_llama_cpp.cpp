// llama.cpp as a contender: run_llama_cpp --model GGUF --threads N. libllama as its own perplexity tool uses it: no
// prefix is shared, the logits of every scored token are written out, a scalar softmax runs over them in every thread.
// Its quantised weights are repacked at load, as is its default.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <llama.h>

#include "bench/runner_loop.h"
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
  for (const Candidates& candidates : workload) {
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

std::size_t longest_of(std::span<const Sequence> sequences) {
  std::size_t longest = 0;
  for (const Sequence& sequence : sequences) {
    longest = std::max(longest, sequence.tokens.size());
  }
  return longest;
}

struct BatchDeleter {
  void operator()(llama_batch* batch) const {
    llama_batch_free(*batch);
    delete batch;
  }
};
using Batch = std::unique_ptr<llama_batch, BatchDeleter>;

// What can be set without changing what is computed.
struct Setting {
  std::size_t ubatch = 512;
  bool flash_attention = true;
  std::size_t sequences = 1;  // decoded together
};

class LibllamaRival {
 public:
  LibllamaRival(const std::string& model_path, int threads)
      : model_(llama_model_load_from_file(model_path.c_str(), llama_model_default_params())), threads_(threads) {
    if (model_ == nullptr) {
      throw EngineError("[run_llama_cpp] " + model_path + " could not be loaded");
    }
    vocabulary_ = static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_)));
  }
  ~LibllamaRival() {
    llama_free(context_);
    llama_model_free(model_);
  }
  LibllamaRival(const LibllamaRival&) = delete;
  LibllamaRival& operator=(const LibllamaRival&) = delete;

  // Finds the fastest setting on the first of the sequences and keeps it. Returns it in words.
  std::string tune(std::span<const Sequence> sequences) {
    Setting best;
    double fastest = seconds(best, sequences.first(1));
    const auto attempt = [&](const Setting& setting, std::size_t count) {
      const double took = seconds(setting, sequences.first(count));
      if (took < fastest) {
        fastest = took;
        best = setting;
      }
    };
    attempt({.flash_attention = false}, 1);
    if (longest_of(sequences) > best.ubatch) {
      attempt({.ubatch = 2048, .flash_attention = best.flash_attention}, 1);
    }
    if (sequences.size() >= 4) {
      attempt({.ubatch = best.ubatch, .flash_attention = best.flash_attention, .sequences = 4}, 4);
    }
    use(best, longest_of(sequences));
    return "ubatch " + std::to_string(best.ubatch) + ", flash attention " + (best.flash_attention ? "on" : "off") +
           ", " + std::to_string(best.sequences) + (best.sequences == 1 ? " sequence" : " sequences") + " at once";
  }

  Pass pass(std::span<const Sequence> sequences) {
    if (context_ == nullptr || longest_of(sequences) > longest_) {
      use(setting_, longest_of(sequences));
    }
    Pass pass;
    for (std::size_t first = 0; first < sequences.size(); first += setting_.sequences) {
      const std::size_t count = std::min(setting_.sequences, sequences.size() - first);
      decode(sequences.subspan(first, count), pass.log_probs);
    }
    for (const Sequence& sequence : sequences) {
      pass.tokens_computed += sequence.tokens.size();
    }
    return pass;
  }

 private:
  void use(const Setting& setting, std::size_t longest) {
    const std::size_t tokens = longest * setting.sequences;
    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx = static_cast<std::uint32_t>(tokens);
    parameters.n_batch = static_cast<std::uint32_t>(tokens);
    parameters.n_ubatch = static_cast<std::uint32_t>(std::min(setting.ubatch, tokens));
    parameters.n_seq_max = static_cast<std::uint32_t>(setting.sequences);
    parameters.n_threads = threads_;
    parameters.n_threads_batch = threads_;
    parameters.flash_attn_type =
        setting.flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    llama_free(context_);
    context_ = llama_init_from_model(model_, parameters);
    if (context_ == nullptr) {
      throw EngineError("[run_llama_cpp] no context of " + std::to_string(tokens) + " tokens");
    }
    batch_.reset(new llama_batch(llama_batch_init(static_cast<std::int32_t>(tokens), 0, 1)));
    setting_ = setting;
    longest_ = longest;
  }

  // A sequence, of some that are read with a setting.
  double seconds(const Setting& setting, std::span<const Sequence> sequences) {
    use(setting, longest_of(sequences));
    Sequence short_one = sequences[0];
    short_one.tokens.resize(std::min<std::size_t>(short_one.tokens.size(), 32));
    short_one.first_scored = 1;
    std::vector<double> found;
    decode({&short_one, 1}, found);  // wakes threads and touches memory
    const auto start = std::chrono::steady_clock::now();
    pass(sequences);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return took.count() / static_cast<double>(sequences.size());
  }

  // log pi of the scored tokens of sequences that are decoded together, in their order.
  void decode(std::span<const Sequence> together, std::vector<double>& log_probs) {
    struct Row {
      std::size_t batch_place;
      Token target;
    };
    std::vector<Row> rows;
    batch_->n_tokens = 0;
    for (std::size_t s = 0; s < together.size(); ++s) {
      const Sequence& sequence = together[s];
      for (std::size_t i = 0; i < sequence.tokens.size(); ++i) {
        const int place = batch_->n_tokens++;
        const bool scores = i + 1 >= sequence.first_scored && i + 1 < sequence.tokens.size();
        batch_->token[place] = sequence.tokens[i];
        batch_->pos[place] = static_cast<llama_pos>(i);
        batch_->n_seq_id[place] = 1;
        batch_->seq_id[place][0] = static_cast<llama_seq_id>(s);
        batch_->logits[place] = scores ? 1 : 0;
        if (scores) {
          rows.push_back({static_cast<std::size_t>(place), sequence.tokens[i + 1]});
        }
      }
    }
    llama_memory_clear(llama_get_memory(context_), false);
    if (llama_decode(context_, *batch_) != 0) {
      throw EngineError("[run_llama_cpp] decode failed");
    }
    const std::size_t start = log_probs.size();
    log_probs.resize(start + rows.size());
    const float* logits = llama_get_logits(context_);  // [rows, vocabulary]: only the rows that were asked for
    const auto count = static_cast<std::ptrdiff_t>(rows.size());
#pragma omp parallel for num_threads(threads_)
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const auto row = static_cast<std::size_t>(i);
      log_probs[start + row] = scalar_log_prob(logits + row * vocabulary_, vocabulary_, rows[row].target);
    }
  }

  llama_model* model_;
  llama_context* context_ = nullptr;
  Batch batch_;
  Setting setting_;
  std::size_t longest_ = 0;  // tokens of a sequence that the context takes
  std::size_t vocabulary_ = 0;
  int threads_;
};

}  // namespace
}  // namespace endorm

int main(int count, char** values) {
  return endorm::run_program(count, values, [](const endorm::Arguments& arguments) {
    using endorm::Workload;
    endorm::LibllamaRival rival(arguments.at("--model"), std::stoi(arguments.at("--threads")));
    endorm::serve_contender({"", [&](const Workload& workload) { return rival.tune(endorm::sequences_of(workload)); },
                             [&](const Workload& workload) { return rival.pass(endorm::sequences_of(workload)); }});
  });
}
