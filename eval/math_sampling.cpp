#include "eval/math_sampling.h"

#include <fstream>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/text_form.h"
#include "eval/best_of_record.h"
#include "eval/graded_answers.h"
#include "judge/judges.h"
#include "score/json_field.h"

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

void grade_responses(Example& example) {
  std::vector<std::string> texts;
  for (const RequestResponse& response : example.request.responses) {
    texts.push_back(response.text.text);
  }
  DrawnAnswers& drawn = *example.drawn;
  example.correct.clear();
  example.vote.clear();
  drawn.answers.clear();
  drawn.reasons.clear();
  for (GradedAnswer& graded : grade_answers(texts, drawn.reference, drawn.tolerance)) {
    example.correct.push_back(graded.verdict == Verdict::kCorrect);
    example.vote.push_back(graded.vote);
    drawn.answers.push_back(std::move(graded.answer));
    drawn.reasons.push_back(std::move(graded.reason));
  }
}

// The key that a judge's rewards go by: of the problem and of what was drawn.
std::string key_of_samples(const Example& example) {
  nlohmann::json known = {example.request.key};
  for (const RequestResponse& response : example.request.responses) {
    known.push_back({response.text.text, response.text.truncated, response.ids.value_or(Tokens{})});
  }
  return record_key(known.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// Takes completions in any order, and gives records in the order of the problems.
class RecordsInOrder {
 public:
  RecordsInOrder(std::span<const Example> problems, const MathSamplingOptions& options, ResultLog* log,
                 std::vector<Example> finished)
      : options_(options), log_(log), next_(finished.size()), records_(std::move(finished)) {
    for (std::size_t i = 0; i < next_; ++i) {
      records_[i].drawn->reference = problems[i].drawn.value().reference;
      records_[i].drawn->tolerance = problems[i].drawn.value().tolerance;
      grade_responses(records_[i]);
    }
    missing_.assign(problems.size(), 0);
    for (std::size_t i = next_; i < problems.size(); ++i) {
      Example& record = records_.emplace_back(problems[i]);
      record.request.messages = math_messages(options.prompt, problems[i].request.messages.at(0).content);
      record.request.responses.resize(options.samples);
      record.drawn->ends.resize(options.samples);
      record.drawn->tokens.resize(options.samples);
      missing_[i] = options.samples;
    }
  }

  std::size_t begin() const { return next_; }
  const Example& at(std::size_t problem) const { return records_[problem]; }

  void refuse(std::size_t problem, std::string error) {
    Example& record = records_[problem];
    record.request.responses.clear();
    record.drawn->ends.clear();
    record.drawn->tokens.clear();
    record.drawn->error = std::move(error);
    missing_[problem] = 0;
  }

  void take(std::size_t problem, std::size_t place, Completion completion) {
    RequestResponse& response = records_[problem].request.responses.at(place);
    response.text.text = std::move(completion.text);
    if (options_.prompt.base && response.text.text.starts_with(' ')) {
      response.text.text.erase(0, 1);
    }
    response.text.truncated = completion.end != CompletionEnd::kEndOfTurn;
    records_[problem].drawn->ends[place] = completion.end;
    records_[problem].drawn->tokens[place] = completion.tokens.size();
    completion.tokens.resize(completion.text_tokens);
    if (completion.end_token) {
      completion.tokens.push_back(*completion.end_token);
    }
    if (!completion.tokens.empty()) {
      response.ids = std::move(completion.tokens);
    }
    --missing_[problem];
    write_ready();
  }

  // Every record that is whole and has only written ones before it.
  void write_ready() {
    bool any = false;
    for (; next_ < records_.size() && missing_[next_] == 0; ++next_) {
      grade_responses(records_[next_]);
      if (log_ != nullptr) {
        log_->append(best_of_record(records_[next_]).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      }
      any = true;
    }
    if (any && log_ != nullptr) {
      log_->sync();
    }
  }

  std::vector<Example> finish() && {
    for (Example& record : records_) {
      record.request.key = key_of_samples(record);
    }
    return std::move(records_);
  }

 private:
  const MathSamplingOptions& options_;
  ResultLog* log_;
  std::size_t next_;  // the first record that is not written
  std::vector<Example> records_;
  std::vector<std::size_t> missing_;  // samples of each record
};

void check_finished(std::span<const Example> problems, std::span<const Example> finished,
                    const MathSamplingOptions& options, const ResultLog* log) {
  if (log != nullptr) {
    log->check_finished_count(problems.size());
  }
  for (std::size_t i = 0; i < finished.size(); ++i) {
    if (log != nullptr) {
      log->check_finished(i, problems[i].request.key);
    }
    const std::size_t samples = finished[i].request.responses.size();
    if (!finished[i].drawn) {
      throw InvalidInput("[draw_samples] the finished record " + finished[i].request.id +
                         " was not drawn by eval math. Give other --rows, or --overwrite.");
    }
    if (finished[i].drawn->error.empty() && samples != options.samples) {
      throw InvalidInput("[draw_samples] the finished record " + finished[i].request.id + " has " +
                         std::to_string(samples) + " samples, " + std::to_string(options.samples) +
                         " are asked for. Give other --rows, or --overwrite.");
    }
  }
}

}  // namespace

std::vector<Example> read_samples(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line)) {  // the manifest
    throw InvalidInput("[read_samples] cannot read " + path);
  }
  std::vector<Example> samples;
  while (std::getline(file, line)) {
    const nlohmann::ordered_json row = parse_object(line);
    samples.push_back(best_of_example(JsonField(row)));
  }
  return samples;
}

std::vector<Example> draw_samples(std::span<const Example> problems, Engine& engine, const MathSamplingOptions& options,
                                  ResultLog* log, std::vector<Example> finished,
                                  const std::function<void(const MathSamplingProgress&)>& progress) {
  if (options.samples == 0) {
    throw InvalidInput("[draw_samples] 0 samples a problem are asked for. Give at least 1.");
  }
  Generator& generator = required(engine.generator(), engine, "draw_samples");
  const TextForm& form = required(engine.text_form(), engine, "draw_samples");
  check_finished(problems, finished, options, log);
  MathSamplingProgress so_far;
  for (const Example& record : finished) {
    so_far.failed += record.drawn->error.empty() ? 0 : options.samples;
  }
  RecordsInOrder records(problems, options, log, std::move(finished));
  so_far.resumed = records.begin() * options.samples;
  so_far.samples = so_far.resumed;

  std::vector<GenerationRequest> requests;
  std::vector<std::pair<std::size_t, std::size_t>> places;  // of each request: problem, sample
  for (std::size_t i = records.begin(); i < problems.size(); ++i) {
    Tokens prompt;
    std::string error;
    try {
      prompt = form.open_turn(records.at(i).request.messages, options.text);
      error = refusal(prompt, engine, options.sampling);
    } catch (const InvalidInput& refused) {
      error = refused.what();
    }
    if (!error.empty()) {
      records.refuse(i, std::move(error));
      so_far.samples += options.samples;
      so_far.failed += options.samples;
      continue;
    }
    for (std::size_t k = 0; k < options.samples; ++k) {
      requests.push_back({prompt, drawn_seed(kPurpose, options.seed, problems[i].request.id, k)});
      places.emplace_back(i, k);
    }
  }
  records.write_ready();
  if (progress) {
    progress(so_far);
  }
  const auto take = [&](std::size_t request, Completion completion) {
    ++so_far.samples;
    ++so_far.drawn;
    so_far.tokens += completion.tokens.size();
    const auto [problem, place] = places[request];
    records.take(problem, place, std::move(completion));
    if (progress) {
      progress(so_far);
    }
  };
  generator.generate(requests, options.sampling, take);
  return std::move(records).finish();
}

}  // namespace endorm
