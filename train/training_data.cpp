#include "train/training_data.h"

#include <filesystem>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/random.h"
#include "engine/content_hash.h"
#include "score/json_field.h"
#include "score/record.h"
#include "score/record_input.h"
#include "score/request_tokens.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

TrainingSequence sequence_of(const TokenizedResponse& turn, std::size_t max_tokens) {
  TrainingSequence sequence{turn.prompt, turn.prompt.size()};
  sequence.tokens.insert(sequence.tokens.end(), turn.response.begin(), turn.response.end());
  if (turn.prompt.empty() || turn.response.empty()) {
    throw InvalidInput("prompt or response has no token");
  }
  if (sequence.tokens.size() > max_tokens) {
    throw InvalidInput(std::to_string(sequence.tokens.size()) + " tokens are more than the " +
                       std::to_string(max_tokens) + " of --max-tokens");
  }
  return sequence;
}

// What a record gives to learn: its responses, or the chosen one of a pair, and its earlier turns once.
std::vector<TrainingSequence> sequences_of(Request request, const Engine& engine, const TemplateOptions& text,
                                           std::size_t max_tokens, bool every_turn) {
  if (request.chosen_first) {
    request.responses.resize(1);  // the rejected one is no example
  }
  std::vector<ScoredOutcome> outcomes(request.responses.size());
  const auto turns =
      tokenize_request(engine, request, text, every_turn ? ScoredTurns::kAll : ScoredTurns::kLast, outcomes);
  for (const ScoredOutcome& outcome : outcomes) {
    if (!outcome.error.empty()) {
      throw InvalidInput(outcome.error);
    }
  }
  std::vector<TrainingSequence> sequences;
  for (const auto& [place, own] : turns) {
    const bool first = place == turns.begin()->first;
    for (std::size_t turn = first || !every_turn ? 0 : own.size() - 1; turn < own.size(); ++turn) {
      sequences.push_back(sequence_of(own[turn], max_tokens));
    }
  }
  return sequences;
}

void add(Sha256& hash, const TrainingSequence& sequence) {
  const std::uint64_t sizes[] = {sequence.first_target, sequence.tokens.size()};
  hash.update(sizes, sizeof sizes);
  hash.update(sequence.tokens.data(), sequence.tokens.size() * sizeof(Token));
}

// The messages of a row, read as those of a record are: its responses give way to one that is never used.
Request request_of(json row, std::size_t line) {
  if (row.contains("messages") && !row.contains("prompt")) {
    json messages = std::move(row["messages"]);
    if (messages.is_array() && !messages.empty() && messages.back().is_object() &&
        messages.back().value("role", json()) == "assistant") {
      messages.erase(messages.end() - 1);
    }
    row["prompt"] = std::move(messages);
  }
  for (const char* field : {"messages", "answer", "responses", "response_ids", "response_mask", "chosen", "rejected",
                            "steps", "truncated", "alternatives"}) {
    row.erase(field);
  }
  row["response"] = "";
  std::vector<std::string> unknown;
  return parse_request(row.dump(), line, "\n\n", unknown);
}

RlProblem problem_of(const InputLine& line, const Engine& engine, const TemplateOptions& text,
                     std::size_t max_prompt_tokens, bool needs_answer) {
  const json row = parse_object(line.text);
  RlProblem problem;
  if (const std::optional<JsonField> answer = JsonField(row).find("answer")) {
    problem.answer = answer->text_or_number();
  }
  if (needs_answer && problem.answer.empty()) {
    throw InvalidInput("it has no \"answer\", which a reward or the held-out accuracy needs.");
  }
  const Request request = request_of(row, line.number);
  problem.question = request.messages.empty() ? std::string() : request.messages.back().content;
  problem.prompt = request.prompt_ids ? *request.prompt_ids
                                      : required(engine.text_form(), engine, "open_turn")
                                            .open_turn(request.messages, request_template(text, request));
  if (problem.prompt.size() > max_prompt_tokens) {
    throw InvalidInput("its prompt has " + std::to_string(problem.prompt.size()) + " tokens, more than the " +
                       std::to_string(max_prompt_tokens) + " of rollout.max_prompt_tokens.");
  }
  return problem;
}

// Hands each record of a file to `use`; one that it refuses (InvalidInput), or that cannot be read, is left
// out. Returns those. Throws InvalidInput where the file cannot be opened.
template <typename Use>
std::vector<LeftOutLine> use_lines(const std::string& path, const Use& use) {
  const std::unique_ptr<RecordInput> lines = open_records(path);
  std::vector<LeftOutLine> left_out;
  while (const std::optional<InputLine> line = lines->next()) {
    try {
      if (line->error) {
        throw InvalidInput(*line->error);
      }
      use(*line);
    } catch (const InvalidInput& error) {
      left_out.push_back({std::filesystem::path(path).filename().string(), line->number, error.what()});
    }
  }
  return left_out;
}

// ": it is empty", or the first line that was left out and its reason.
std::string why_none_is_left(const std::vector<LeftOutLine>& left_out) {
  return left_out.empty() ? ": it is empty"
                          : "; line " + std::to_string(left_out.front().line) + ": " + left_out.front().reason;
}

}  // namespace

TrainingData read_training_data(const std::string& path, const Engine& engine, const TemplateOptions& text,
                                std::size_t max_tokens, bool every_turn) {
  TrainingData data;
  Sha256 hash;
  std::vector<std::string> unknown_fields;
  data.left_out = use_lines(path, [&](const InputLine& line) {
    const Request request = parse_request(line.text, line.number, "\n", unknown_fields);
    for (TrainingSequence& sequence : sequences_of(request, engine, text, max_tokens, every_turn)) {
      add(hash, sequence);
      data.target_tokens += sequence.targets();
      data.sequences.push_back(std::move(sequence));
    }
  });
  if (data.sequences.empty()) {
    throw InvalidInput("[sft] " + path + " holds nothing to learn from" + why_none_is_left(data.left_out));
  }
  data.sha256 = hex(hash.finish());
  return data;
}

RlProblems read_rl_problems(const std::string& path, const Engine& engine, const TemplateOptions& text,
                            std::size_t max_prompt_tokens, bool needs_answer) {
  RlProblems read;
  Sha256 hash;
  read.left_out = use_lines(path, [&](const InputLine& line) {
    const RlProblem& problem =
        read.problems.emplace_back(problem_of(line, engine, text, max_prompt_tokens, needs_answer));
    for (const Token token : problem.prompt) {
      hash.update(std::to_string(token) + " ");
    }
    hash.update("\n" + problem.answer + "\n");
  });
  if (read.problems.empty()) {
    throw InvalidInput("[" + std::filesystem::path(path).filename().string() + "] no line of it can be used" +
                       why_none_is_left(read.left_out));
  }
  read.sha256 = hex(hash.finish());
  return read;
}

std::vector<std::size_t> epoch_order(std::size_t count, std::uint64_t seed, std::size_t epoch) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  RandomStream random(seed + 0x9e3779b97f4a7c15ULL * (epoch + 1));
  for (std::size_t left = count; left > 1; --left) {
    std::swap(order[left - 1], order[random.below(left)]);
  }
  return order;
}

std::size_t EpochWalk::at(std::size_t place) {
  if (epoch_ != place / count_) {
    epoch_ = place / count_;
    order_ = epoch_order(count_, seed_, *epoch_);
  }
  return order_[place % count_];
}

}  // namespace endorm
