#include "engine/llama_engine.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <utility>

#include <llama.h>

#include "core/errors.h"
#include "core/log_sum_exp.h"
#include "engine/chat_template.h"
#include "engine/content_hash.h"
#include "engine/file_hash.h"
#include "engine/llama_accelerator.h"
#include "engine/llama_handles.h"
#include "engine/tokenizer.h"
#include "engine/wave_plan.h"

namespace endorm {
namespace {

constexpr std::size_t kSequences = 64;
constexpr std::size_t kRecurrentSequences = 16;  // each costs a whole state

std::size_t rounded_up(std::size_t value, std::size_t step) { return (value + step - 1) / step * step; }

std::string cache_type_name(CacheType type) {
  switch (type) {
    case CacheType::kF32:
      return "f32";
    case CacheType::kF16:
      return "f16";
    case CacheType::kBf16:
      return "bf16";
    case CacheType::kQ8:
      return "q8_0";
  }
  throw InternalError("[llama engine] unknown cache type");
}

class LlamaEngineImplementation final : public LlamaEngine {
 public:
  explicit LlamaEngineImplementation(const LlamaEngineOptions& options)
      : options_(with_precision(options)),
        model_(load_llama_model(options_)),
        tokenizer_(llama_model_get_vocab(model_.get())) {
    for (const LoraAdapter& adapter : options.adapters) {
      adapters_.push_back(load_lora_adapter(model_.get(), adapter));
      scales_.push_back(adapter.scale);
    }
    info_ = describe_model(model_.get(), options);
    info_.vocabulary = tokenizer_.real_vocabulary();
    columns_ = static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_.get())));
    info_.padding_columns = columns_ - info_.vocabulary;
    make_form();
    if (options.hash_model) {
      info_.sha256 = cached_file_sha256(options.model_path, options.hash_cache_directory);
    }
    accelerator_ = make_accelerator(options_);
    set_limits();
    set_capabilities();
    fingerprint_ = make_fingerprint();
  }

  const Capabilities& capabilities() const override { return capabilities_; }
  const LlamaModelInfo& model_info() const override { return info_; }
  std::string arithmetic() const override { return accelerator_name(accelerator_.get()); }
  const AcceleratorInfo& accelerator_info() override {
    accelerator_info_ = describe_accelerator(accelerator_.get(), options_);
    return accelerator_info_;
  }
  EvaluateCounts counts() const override { return counts_; }
  std::string fingerprint() const override { return fingerprint_; }
  std::string model_name() const override { return std::filesystem::path(options_.model_path).filename().string(); }
  std::string token_bytes(Token token) const override { return tokenizer_.token_bytes(token); }

  std::string template_fingerprint() const override {
    const std::string source = form_ ? form_->source() : "none";
    return source == "plain" || source == "raw" || source == "none" ? source : hex(sha256(source));
  }

  std::vector<TokenizedResponse> tokenize(std::span<const Message> messages, std::span<const ResponseText> responses,
                                          const TemplateOptions& options) const override {
    if (!form_) {
      throw InvalidInput("[tokenize] " + model_name() +
                         " has no chat template. Use --template plain (a question and answer form), "
                         "--template FILE (a jinja template), or --template raw (the text as it is).");
    }
    std::vector<TokenizedResponse> tokenized;
    tokenized.reserve(responses.size());
    for (const ResponseText& response : responses) {
      const RenderedPrompt rendered = form_->render(messages, response.text);
      tokenized.push_back(
          tokenizer_.tokenize(rendered, response, options, options_.template_source == TemplateSource::kRaw));
    }
    return tokenized;
  }

  std::vector<TokenStats> evaluate(const TokenTree& tree, const EvaluateOptions& options) override {
    check_tree(tree);
    const WavePlan plan = options.share_prefixes ? plan_waves(tree, limits_) : plan_alone(tree, limits_);
    ensure_context(plan.cells);
    const auto nodes = tree.nodes();
    std::vector<std::vector<std::size_t>> scored_children(nodes.size());
    std::vector<std::size_t> place(nodes.size(), 0);
    std::size_t scored = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].scored) {
        place[i] = scored++;
        scored_children[*nodes[i].parent].push_back(i);
      }
    }
    std::vector<TokenStats> stats(scored);
    for (const WaveStep& step : plan.steps) {
      ask_head(tree, step, scored_children, options.alpha);
      decode(tree, step);
      if (accelerator_ && accelerator_->result) {
        take_head(step, scored_children, place, stats);
      } else {
        read_rows(step, [&](std::size_t node, std::span<const float> row) {
          const RowStatistics read = row_statistics(row.first(info_.vocabulary), options.alpha);
          for (const std::size_t child : scored_children[node]) {
            const auto column = static_cast<std::size_t>(nodes[child].token);
            stats[place[child]] = {row[column], read.log_sum_exp, read.entropy};
          }
        });
      }
      for (const int sequence : step.forget) {
        llama_memory_seq_rm(llama_get_memory(context_.get()), sequence, -1, -1);
      }
    }
    counts_.tokens_computed += plan.tokens_computed;
    return stats;
  }

 private:
  void make_form() {
    const std::string bos = tokenizer_.bos_text();
    const std::string eos = tokenizer_.eos_text();
    switch (options_.template_source) {
      case TemplateSource::kModel:
        if (const char* source = llama_model_chat_template(model_.get(), nullptr)) {
          form_ = make_jinja_form(source, bos, eos);
        }
        break;
      case TemplateSource::kFile:
        form_ = make_jinja_form(options_.template_text, bos, eos);
        break;
      case TemplateSource::kPlain:
        form_ = make_plain_form(eos);
        break;
      case TemplateSource::kRaw:
        form_ = make_raw_form();
        break;
    }
  }

  void set_limits() {
    limits_.batch_tokens = options_.batch_tokens;
    limits_.wave_tokens = options_.wave_tokens;
    limits_.batch_rows =
        std::clamp<std::size_t>(options_.row_bytes / (columns_ * sizeof(float)), 16, options_.batch_tokens);
    if (reads_head()) {
      limits_.batch_rows = options_.batch_tokens;  // no row of logits is held
    }
    limits_.shared_cells = !info_.recurrent;
    // The host buffer of logits has at least one row a sequence.
    limits_.sequences =
        std::min(info_.recurrent ? kRecurrentSequences : kSequences, std::max<std::size_t>(limits_.batch_rows, 2));
  }

  void set_capabilities() {
    capabilities_.raw_logits = true;
    capabilities_.entropy = true;
    capabilities_.any_alpha = true;
    const std::size_t trained = info_.trained_context;
    capabilities_.context = options_.context ? *options_.context : trained;
    if (options_.context && trained > 0 && *options_.context > trained) {
      throw InvalidInput("[load model] a context of " + std::to_string(*options_.context) +
                         " tokens is longer than the " + std::to_string(trained) + " that " + model_name() +
                         " was trained for. Give a smaller --context.");
    }
  }

  std::string make_fingerprint() const {
    std::string text = info_.sha256.empty() ? unhashed_file_identity(options_.model_path) : info_.sha256;
    for (const LoraAdapter& adapter : options_.adapters) {
      text += "|lora " + hex(sha256_file(adapter.path)) + " " + std::to_string(adapter.scale);
    }
    text += "|cache " + cache_type_name(options_.cache_type);
    text +=
        "|attention " + (options_.flash_attention ? std::to_string(*options_.flash_attention) : std::string("auto"));
    text += "|products " + accelerator_name(accelerator_.get());
    text += "|wave " + std::to_string(options_.wave_tokens) + "|batch " + std::to_string(options_.batch_tokens);
    return text;
  }

  void check_tree(const TokenTree& tree) const {
    for (const TokenTree::Node& node : tree.nodes()) {
      if (node.token < 0 || static_cast<std::size_t>(node.token) >= info_.vocabulary) {
        throw InvalidInput("[evaluate] token " + std::to_string(node.token) + " is not in the vocabulary of " +
                           std::to_string(info_.vocabulary) + " tokens");
      }
      if (capabilities_.context > 0 && node.depth >= capabilities_.context) {
        throw InvalidInput("[evaluate] a sequence is longer than the context of " +
                           std::to_string(capabilities_.context) + " tokens");
      }
    }
  }

  // Contexts are made as large as the work needs: a cache for the model's whole context would often not fit.
  void ensure_context(std::size_t cells) {
    if (context_ && cells <= cells_) {
      return;
    }
    context_.reset();
    constexpr std::size_t kCellStep = 1024;
    cells_ = rounded_up(std::max(cells, 2 * limits_.wave_tokens), kCellStep);
    const Accelerator::Use use(accelerator_.get());
    context_ = make_llama_context(model_.get(), options_, {cells_, limits_.sequences, limits_.batch_rows});
    if (!adapters_.empty()) {
      std::vector<float> scales = scales_;
      if (llama_set_adapters_lora(context_.get(), adapters_.data(), adapters_.size(), scales.data()) != 0) {
        throw EngineError("[evaluate] the adapters cannot be applied: " + take_llama_complaints());
      }
    }
  }

  void decode(const TokenTree& tree, const WaveStep& step) {
    const llama_memory_t memory = llama_get_memory(context_.get());
    for (const int sequence : step.copy_to) {
      llama_memory_seq_cp(memory, step.copy_from, sequence, -1, -1);
    }
    const std::size_t count = step.tokens.size();
    std::vector<llama_token> tokens(count);
    std::vector<llama_pos> positions(count);
    std::vector<std::int32_t> sequence_counts(count);
    std::vector<llama_seq_id*> sequences(count);
    std::vector<std::int8_t> outputs(count);
    std::vector<llama_seq_id> all_sequences(limits_.sequences);
    for (std::size_t i = 0; i < all_sequences.size(); ++i) {
      all_sequences[i] = static_cast<llama_seq_id>(i);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const WaveToken& token = step.tokens[i];
      const TokenTree::Node& node = tree.nodes()[token.node];
      tokens[i] = node.token;
      positions[i] = static_cast<llama_pos>(node.depth);
      sequence_counts[i] = token.last_sequence - token.first_sequence + 1;
      sequences[i] = all_sequences.data() + token.first_sequence;
      outputs[i] = token.read_row;
    }
    llama_batch batch{};
    batch.n_tokens = static_cast<std::int32_t>(count);
    batch.token = tokens.data();
    batch.pos = positions.data();
    batch.n_seq_id = sequence_counts.data();
    batch.seq_id = sequences.data();
    batch.logits = outputs.data();
    const Accelerator::Use use(accelerator_.get());
    const int status = llama_decode(context_.get(), batch);
    if (status != 0) {
      context_.reset();
      if (accelerator_ && accelerator_->failure) {
        rethrow_as_engine_error(std::exchange(accelerator_->failure, nullptr));
      }
      throw EngineError("[evaluate] decoding " + std::to_string(count) + " tokens failed with status " +
                        std::to_string(status) + ": " + take_llama_complaints());
    }
    llama_synchronize(context_.get());
  }

  // Recurrent models may compute the rows of a batch in another order.
  bool reads_head() const { return accelerator_ && accelerator_->products() && !info_.recurrent; }

  // Statistics are asked for in place of rows of logits.
  void ask_head(const TokenTree& tree, const WaveStep& step,
                const std::vector<std::vector<std::size_t>>& scored_children, double alpha) {
    if (!reads_head()) {
      return;
    }
    HeadRequest request;
    request.vocabulary = info_.vocabulary;
    request.alpha = alpha;
    for (const WaveToken& token : step.tokens) {
      if (token.read_row) {
        std::vector<std::int32_t>& targets = request.targets.emplace_back();
        for (const std::size_t child : scored_children[token.node]) {
          targets.push_back(tree.nodes()[child].token);
        }
      }
    }
    accelerator_->result.reset();
    accelerator_->request.reset();
    if (!request.targets.empty()) {
      accelerator_->request = std::move(request);
    }
  }

  void take_head(const WaveStep& step, const std::vector<std::vector<std::size_t>>& scored_children,
                 const std::vector<std::size_t>& place, std::vector<TokenStats>& stats) {
    const HeadResult& result = *accelerator_->result;
    std::size_t row = 0;
    for (const WaveToken& token : step.tokens) {
      if (!token.read_row) {
        continue;
      }
      const std::vector<std::size_t>& children = scored_children[token.node];
      for (std::size_t i = 0; i < children.size(); ++i) {
        stats[place[children[i]]] = {result.logits[row][i], result.rows[row].log_sum_exp, result.rows[row].entropy};
      }
      ++row;
    }
    counts_.rows_read += row;
  }

  // A pass's own errors are about the model here, whatever they were called where they arose.
  [[noreturn]] void rethrow_as_engine_error(const std::exception_ptr& failure) const {
    try {
      std::rethrow_exception(failure);
    } catch (const InvalidInput& error) {
      throw EngineError("[evaluate] " + model_name() + " gave unusable logits: " + error.what());
    }
  }

  // Calls read(node, row) for every row of logits that the step asked for; rows in parallel.
  template <typename Read>
  void read_rows(const WaveStep& step, const Read& read) {
    std::vector<std::pair<std::size_t, const float*>> rows;
    for (std::size_t i = 0; i < step.tokens.size(); ++i) {
      if (step.tokens[i].read_row) {
        rows.emplace_back(step.tokens[i].node, llama_get_logits_ith(context_.get(), static_cast<std::int32_t>(i)));
      }
    }
    counts_.rows_read += rows.size();
    std::exception_ptr failure;
    const auto count = static_cast<std::ptrdiff_t>(rows.size());
#pragma omp parallel for schedule(static) num_threads(reader_threads())
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      try {
        const auto& [node, row] = rows[static_cast<std::size_t>(i)];
        read(node, std::span(row, columns_));
      } catch (...) {
#pragma omp critical
        failure = std::current_exception();
      }
    }
    if (failure) {
      rethrow_as_engine_error(failure);
    }
  }

  int reader_threads() const { return llama_n_threads_batch(context_.get()); }

  LlamaEngineOptions options_;
  LlamaModelHandle model_;
  std::unique_ptr<Accelerator> accelerator_;  // nullptr: llama.cpp's own kernels
  AcceleratorInfo accelerator_info_;
  Tokenizer tokenizer_;
  std::vector<llama_adapter_lora*> adapters_;
  std::vector<float> scales_;
  LlamaModelInfo info_;
  std::size_t columns_ = 0;           // of a row of logits, padding included
  std::unique_ptr<PromptForm> form_;  // none where the model has no template and none was given
  Capabilities capabilities_;
  WaveLimits limits_;
  std::string fingerprint_;
  LlamaContextHandle context_;
  std::size_t cells_ = 0;
  EvaluateCounts counts_;
};

}  // namespace

std::unique_ptr<LlamaEngine> make_llama_engine(const LlamaEngineOptions& options) {
  return std::make_unique<LlamaEngineImplementation>(options);
}

}  // namespace endorm
