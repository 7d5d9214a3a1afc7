#include "engine/llama/llama_passes.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include <llama.h>

#include "core/errors.h"
#include "engine/accelerator/mapped_pages.h"
#include "engine/llama/llama_media.h"

namespace endorm {
namespace {

constexpr std::size_t kSequences = 64;
constexpr std::size_t kRecurrentSequences = 16;  // each costs a whole state
constexpr std::size_t kKeptPrefixes = 64;        // sequences behind those of plans

std::size_t rounded_up(std::size_t value, std::size_t step) { return (value + step - 1) / step * step; }

// What one pass is asked for, and whom the answers are for.
struct Questions {
  std::vector<std::int32_t> places;                       // [rows] in the batch
  std::vector<const std::vector<std::size_t>*> asked_by;  // [rows] the scored nodes behind each
  HeadRequest request;

  std::size_t statistics() const {  // at all temperatures
    std::size_t count = 0;
    for (const std::vector<std::size_t>* children : asked_by) {
      count += children->size() * request.alphas.size();
    }
    return count;
  }
};

using KnownSteps = std::vector<std::optional<std::vector<TokenStats>>>;

// What was kept of the steps that need not be computed: no later one that is computed stands behind their tokens.
KnownSteps known_steps(const TokenTree& tree, const WavePlan& plan, StepResults* results) {
  KnownSteps known(plan.steps.size());
  if (results == nullptr) {
    return known;
  }
  std::vector<char> needed(tree.nodes().size(), 0);
  for (std::size_t number = plan.steps.size(); number-- > 0;) {
    const std::vector<WaveToken>& tokens = plan.steps[number].tokens;
    if (std::none_of(tokens.begin(), tokens.end(), [&](const WaveToken& token) { return needed[token.node] != 0; })) {
      known[number] = results->find(number);
    }
    for (std::size_t i = 0; i < tokens.size() && !known[number]; ++i) {
      std::optional<std::size_t> above = tree.nodes()[tokens[i].node].parent;
      while (above && !needed[*above]) {
        needed[*above] = 1;
        above = tree.nodes()[*above].parent;
      }
    }
  }
  return known;
}

}  // namespace

LlamaPasses::LlamaPasses(LlamaParts parts)
    : parts_(std::move(parts)),
      options_(*parts_.options),
      info_(*parts_.info),
      columns_(info_.vocabulary + info_.padding_columns),
      kept_tokens_(parts_.accelerator && !info_.recurrent ? options_.kept_prefix_tokens : 0),
      kept_(static_cast<int>(kSequences), kKeptPrefixes, kept_tokens_) {
  limits_.batch_tokens = options_.batch_tokens;
  limits_.wave_tokens = options_.wave_tokens;
  limits_.shared_cells = !info_.recurrent;
  limits_.whole_media = parts_.media && parts_.media->needs_whole();
  choose_reader();
  // The host buffer of logits has at least one row a sequence.
  limits_.sequences =
      std::min(info_.recurrent ? kRecurrentSequences : kSequences, std::max<std::size_t>(limits_.batch_rows, 2));
}

void LlamaPasses::choose_reader() {
  reader_ = make_host_reader(columns_);
  limits_.batch_rows =
      std::min(options_.batch_tokens, std::max<std::size_t>(options_.row_bytes / (columns_ * sizeof(float)), 16));
  if (info_.recurrent) {
    return;  // their rows may be computed in another order: only the host's reader finds them again
  }
  if (wants_device_statistics(parts_.model, options_)) {
    statistics_fault_ = device_self_test(parts_.model, options_, info_.vocabulary);
    if (statistics_fault_.empty()) {
      auto device = make_device_reader(columns_);
      device_ = device.get();
      reader_ = std::move(device);
      limits_.batch_rows = device_rows(columns_, options_.batch_tokens);
      return;
    }
  }
  if (parts_.accelerator && parts_.accelerator->products()) {
    reader_ = make_accelerator_reader(*parts_.accelerator, columns_);
    limits_.batch_rows = options_.batch_tokens;
    holds_logits_ = false;
  }
}

void LlamaPasses::read_on_host(const std::string& fault) {
  context_.reset();
  device_ = nullptr;
  reader_ = make_host_reader(columns_);
  statistics_fault_ = fault;
}

std::vector<std::vector<TokenStats>> LlamaPasses::run(const TokenTree& tree, const EvaluateOptions& options) {
  if (device_ && options.likeliest > 0) {
    throw InvalidInput(
        "[evaluate] the likeliest tokens are not read where a device computes the statistics. Use --statistics host.");
  }
  if (device_ && options.alphas.size() > 1) {
    std::vector<std::vector<TokenStats>> of_alpha;
    for (const double alpha : options.alphas) {
      of_alpha.push_back(std::move(run(tree, {{alpha}, options.share_prefixes, 0}).front()));
    }
    return of_alpha;
  }
  if (!context_) {
    kept_.clear();
  }
  try {
    return run_plan(tree, plan(tree, options.share_prefixes), options);
  } catch (...) {  // what lies in the cache is not known any more
    context_.reset();
    throw;
  }
}

WavePlan LlamaPasses::plan(const TokenTree& tree, bool share) {
  if (!share) {
    return plan_alone(tree, limits_);
  }
  WavePlan plan = plan_waves(tree, limits_, kept_.find(tree));
  if (!has_room(plan.cells)) {  // a larger context begins empty
    kept_.clear();
    context_.reset();
    return plan_waves(tree, limits_);
  }
  return plan;
}

// Prompts that end in this step's tokens are kept as copies of the sequences that hold them now.
void LlamaPasses::keep_prompts(const TokenTree& tree, const WaveStep& step, std::span<const char> ends_prompt,
                               std::span<const NodePlace> places) {
  llama_memory_t memory = llama_get_memory(context_.get());
  for (const WaveToken& token : step.tokens) {
    if (!ends_prompt[token.node]) {
      continue;
    }
    std::vector<int> forgotten;
    const std::optional<int> sequence = kept_.place(tree, token.node, forgotten);
    for (const int old : forgotten) {
      llama_memory_seq_rm(memory, old, -1, -1);
    }
    if (sequence) {
      const auto length =
          static_cast<llama_pos>(places.empty() ? tree.nodes()[token.node].depth + 1 : places[token.node].end);
      llama_memory_seq_cp(memory, token.first_sequence, *sequence, -1, length);
    }
  }
}

std::vector<std::vector<TokenStats>> LlamaPasses::run_plan(const TokenTree& tree, const WavePlan& plan,
                                                           const EvaluateOptions& options) {
  const std::vector<double>& alphas = options.alphas;
  const auto nodes = tree.nodes();
  const std::vector<NodePlace> places = parts_.media ? parts_.media->places(tree) : std::vector<NodePlace>();
  std::vector<std::vector<std::size_t>> scored_children(nodes.size());
  std::vector<std::size_t> place(nodes.size(), 0);
  std::vector<char> ends_prompt(nodes.size(), 0);
  std::size_t scored = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].scored) {
      ends_prompt[*nodes[i].parent] |= static_cast<char>(!nodes[*nodes[i].parent].scored);
      place[i] = scored++;
      scored_children[*nodes[i].parent].push_back(i);
    }
  }
  const auto questions_of = [&](const WaveStep& step) {
    Questions questions{{}, {}, {info_.vocabulary, alphas, {}, options.likeliest}};
    for (std::size_t i = 0; i < step.tokens.size(); ++i) {
      if (step.tokens[i].read_row) {
        questions.places.push_back(static_cast<std::int32_t>(i));
        questions.asked_by.push_back(&scored_children[step.tokens[i].node]);
        std::vector<std::int32_t>& targets = questions.request.targets.emplace_back();
        for (const std::size_t child : *questions.asked_by.back()) {
          targets.push_back(nodes[child].token);
        }
      }
    }
    return questions;
  };
  std::size_t most_targets = 0;
  for (const WaveStep& step : plan.steps) {
    std::size_t targets = 0;
    for (const WaveToken& token : step.tokens) {
      targets += token.read_row ? scored_children[token.node].size() : 0;
    }
    most_targets = std::max(most_targets, targets);
  }
  make_room(plan.cells, most_targets);
  std::vector<std::vector<TokenStats>> stats(alphas.size(), std::vector<TokenStats>(scored));
  // Statistics of a step, row by row, child by child, temperature by temperature.
  const auto put = [&](const Questions& questions, std::span<const TokenStats> of_step) {
    std::size_t next = 0;
    for (const std::vector<std::size_t>* children : questions.asked_by) {
      for (const std::size_t child : *children) {
        for (std::vector<TokenStats>& of_alpha : stats) {
          of_alpha[place[child]] = of_step[next++];
        }
      }
    }
  };
  const KnownSteps known = options.likeliest == 0 && !info_.recurrent ? known_steps(tree, plan, options.steps)
                                                                      : KnownSteps(plan.steps.size());
  for (std::size_t number = 0; number < plan.steps.size(); ++number) {
    const WaveStep& step = plan.steps[number];
    const Questions questions = questions_of(step);
    if (known[number] && known[number]->size() == questions.statistics()) {
      put(questions, *known[number]);
      copy_sequences(context_, tree, step, places);
      forget_sequences(context_, step);
      continue;
    }
    reader_->ask(questions.request);
    decode_step(parts_, context_, tree, step, places, "evaluate");
    const HeadResult result = take(questions.places);
    std::vector<TokenStats> of_step;
    for (std::size_t row = 0; row < result.rows.size(); ++row) {
      for (std::size_t i = 0; i < questions.asked_by[row]->size(); ++i) {
        for (std::size_t alpha = 0; alpha < alphas.size(); ++alpha) {
          of_step.push_back(token_stats(result.logits[row][i], result.rows[row][alpha]));
          if (options.likeliest > 0) {
            of_step.back().likeliest = result.likeliest[row];
          }
        }
      }
    }
    put(questions, of_step);
    if (options.steps != nullptr) {
      options.steps->keep(number, of_step);
    }
    if (kept_tokens_ > 0) {
      keep_prompts(tree, step, ends_prompt, places);
    }
    forget_sequences(context_, step);
    tokens_computed_ += step.tokens.size();
  }
  return stats;
}

bool LlamaPasses::has_room(std::size_t cells) const { return !context_ || cells + kept_tokens_ <= cells_; }

// Contexts are made as large as the work needs: a cache for the model's whole context would often not fit.
void LlamaPasses::make_room(std::size_t cells, std::size_t targets) {
  constexpr std::size_t kTargetStep = 64;
  cells += kept_tokens_;
  targets = rounded_up(std::max(targets, targets_), kTargetStep);
  if (device_ && !device_->fits(limits_.batch_rows, targets)) {
    read_on_host(std::to_string(targets) + " targets in a pass are too many for a vocabulary of " +
                 std::to_string(columns_));
  }
  if (context_ && cells <= cells_ && (!device_ || targets <= targets_)) {
    return;
  }
  context_.reset();
  constexpr std::size_t kCellStep = 1024;
  cells_ = rounded_up(std::max(cells, std::max(cells_, 2 * limits_.wave_tokens)), kCellStep);
  targets_ = targets;
  const std::size_t sequences = kept_tokens_ > 0 ? kSequences + kKeptPrefixes : limits_.sequences;
  LlamaContextShape shape{cells_, sequences, limits_.batch_rows, {}};
  if (device_) {
    shape.samplers = device_->samplers(limits_.sequences, limits_.batch_rows, targets_);
  }
  context_ = open_context(parts_, shape);
  if (!holds_logits_) {
    forget_logits();
  }
}

// libllama fills a buffer for as many rows of logits as a pass has with zeros, which our head then never touches: at
// 49,152 columns that is 100 MB for nothing. A pass that is given up makes it do so now, and the pages go back.
void LlamaPasses::forget_logits() {
  std::vector<llama_token> tokens(limits_.batch_rows, 0);
  std::vector<std::int8_t> outputs(limits_.batch_rows, 1);
  llama_batch batch = llama_batch_get_one(tokens.data(), static_cast<std::int32_t>(tokens.size()));
  batch.logits = outputs.data();
  const Accelerator::Use use(parts_.accelerator);
  parts_.accelerator->reserving = true;
  llama_decode(context_.get(), batch);
  parts_.accelerator->reserving = false;
  llama_memory_clear(llama_get_memory(context_.get()), false);
  if (float* logits = llama_get_logits(context_.get())) {
    forget_pages(logits, limits_.batch_rows * columns_ * sizeof(float));
  }
}

HeadResult LlamaPasses::take(std::span<const std::int32_t> places) {
  try {
    return reader_->take(context_.get(), places);
  } catch (const InvalidInput&) {
    throw_unusable(parts_, "evaluate", std::current_exception());
  }
}

}  // namespace endorm
