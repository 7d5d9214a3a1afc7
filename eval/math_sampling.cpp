#include "eval/math_sampling.h"

#include <fstream>
#include <optional>
#include <utility>

#include "core/errors.h"
#include "judge/drawn_seed.h"

namespace endorm {
namespace {

constexpr std::string_view kPurpose = "math sample 1";

// Why a prompt cannot be answered; empty where it can.
std::string refusal(const Tokens& prompt, const Engine& engine, const SamplingOptions& sampling) {
  const std::size_t context = engine.capabilities().context;
  if (prompt.empty()) {
    return "the prompt has no tokens";
  }
  if (context == 0 || prompt.size() + sampling.max_tokens <= context) {
    return "";
  }
  return "the prompt has " + std::to_string(prompt.size()) + " tokens and --max-tokens is " +
         std::to_string(sampling.max_tokens) + ": together more than the " + std::to_string(context) +
         " tokens of the context. Use a larger --context or fewer --max-tokens";
}

// Takes completions in any order, and gives rows in the order of the problems.
class RowsInOrder {
 public:
  RowsInOrder(std::span<const MathProblem> problems, const MathSamplingOptions& options, ResultLog* log,
              std::vector<MathRow> finished)
      : options_(options), log_(log), next_(finished.size()), rows_(std::move(finished)) {
    for (MathRow& row : rows_) {
      grade_samples(row);
    }
    rows_.resize(problems.size());
    missing_.assign(problems.size(), 0);
    for (std::size_t i = next_; i < problems.size(); ++i) {
      rows_[i].problem = problems[i];
      rows_[i].samples.resize(options.samples);
      missing_[i] = options.samples;
    }
  }

  std::size_t begin() const { return next_; }

  void refuse(std::size_t problem, std::string error) {
    rows_[problem].error = std::move(error);
    rows_[problem].samples.clear();
    missing_[problem] = 0;
  }

  void take(std::size_t problem, std::size_t place, Completion completion) {
    MathSample& sample = rows_[problem].samples.at(place);
    sample.text = std::move(completion.text);
    if (options_.prompt.base && sample.text.starts_with(' ')) {
      sample.text.erase(0, 1);
    }
    sample.tokens = completion.tokens.size();
    completion.tokens.resize(completion.text_tokens);
    sample.ids = std::move(completion.tokens);
    if (completion.end_token) {
      sample.ids.push_back(*completion.end_token);
    }
    sample.end = completion.end;
    --missing_[problem];
    write_ready();
  }

  // Every row that is whole and has only written ones before it.
  void write_ready() {
    bool any = false;
    for (; next_ < rows_.size() && missing_[next_] == 0; ++next_) {
      grade_samples(rows_[next_]);
      if (log_ != nullptr) {
        log_->append(math_row_json(rows_[next_]));
      }
      any = true;
    }
    if (any && log_ != nullptr) {
      log_->sync();
    }
  }

  std::vector<MathRow> finish() && { return std::move(rows_); }

 private:
  const MathSamplingOptions& options_;
  ResultLog* log_;
  std::size_t next_;  // the first row that is not written
  std::vector<MathRow> rows_;
  std::vector<std::size_t> missing_;  // samples of each row
};

void check_finished(std::span<const MathProblem> problems, std::span<const MathRow> finished,
                    const MathSamplingOptions& options, const ResultLog* log) {
  if (log != nullptr) {
    log->check_finished_count(problems.size());
  }
  for (std::size_t i = 0; i < finished.size(); ++i) {
    if (log != nullptr) {
      log->check_finished(i, problems[i].key);
    }
    if (finished[i].error.empty() && finished[i].samples.size() != options.samples) {
      throw InvalidInput("[sample_math] the finished row " + finished[i].problem.id + " has " +
                         std::to_string(finished[i].samples.size()) + " samples, " + std::to_string(options.samples) +
                         " are asked for. Give other --rows, or --overwrite.");
    }
  }
}

}  // namespace

std::vector<MathProblem> problems_of(std::span<const MathProblem> problems, const Shard& shard) {
  std::vector<MathProblem> own;
  for (std::size_t i = shard.index - 1; i < problems.size(); i += shard.count) {
    own.push_back(problems[i]);
  }
  return own;
}

std::vector<MathRow> read_math_rows(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line)) {  // the manifest
    throw InvalidInput("[read_math_rows] cannot read " + path);
  }
  std::vector<MathRow> rows;
  while (std::getline(file, line)) {
    rows.push_back(read_math_row(line));
  }
  return rows;
}

std::vector<MathRow> sample_math(std::span<const MathProblem> problems, Engine& engine,
                                 const MathSamplingOptions& options, ResultLog* log, std::vector<MathRow> finished,
                                 const std::function<void(const MathSamplingProgress&)>& progress) {
  if (options.samples == 0) {
    throw InvalidInput("[sample_math] 0 samples a problem are asked for. Give at least 1.");
  }
  if (!engine.capabilities().generate) {
    throw InvalidInput("[sample_math] " + engine.model_name() +
                       " cannot write: " + engine.capabilities().missing_reason);
  }
  check_finished(problems, finished, options, log);
  MathSamplingProgress so_far;
  for (const MathRow& row : finished) {
    so_far.failed += row.error.empty() ? 0 : options.samples;
  }
  RowsInOrder rows(problems, options, log, std::move(finished));
  so_far.resumed = rows.begin() * options.samples;
  so_far.samples = so_far.resumed;

  std::vector<GenerationRequest> requests;
  std::vector<std::pair<std::size_t, std::size_t>> places;  // of each request: problem, sample
  for (std::size_t i = rows.begin(); i < problems.size(); ++i) {
    Tokens prompt;
    std::string error;
    try {
      prompt = engine.open_turn(math_messages(options.prompt, problems[i].question), options.text);
      error = refusal(prompt, engine, options.sampling);
    } catch (const InvalidInput& refused) {
      error = refused.what();
    }
    if (!error.empty()) {
      rows.refuse(i, std::move(error));
      so_far.samples += options.samples;
      so_far.failed += options.samples;
      continue;
    }
    for (std::size_t k = 0; k < options.samples; ++k) {
      requests.push_back({prompt, drawn_seed(kPurpose, options.seed, problems[i].id, k)});
      places.emplace_back(i, k);
    }
  }
  rows.write_ready();
  if (progress) {
    progress(so_far);
  }
  const auto take = [&](std::size_t request, Completion completion) {
    ++so_far.samples;
    ++so_far.drawn;
    so_far.tokens += completion.tokens.size();
    const auto [problem, place] = places[request];
    rows.take(problem, place, std::move(completion));
    if (progress) {
      progress(so_far);
    }
  };
  engine.generate(requests, options.sampling, take);
  return std::move(rows).finish();
}

}  // namespace endorm
