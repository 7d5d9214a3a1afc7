#include "train/training_data.h"

#include <filesystem>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "core/errors.h"
#include "core/random.h"
#include "engine/content_hash.h"
#include "score/line_reader.h"
#include "score/record.h"
#include "score/request_tokens.h"

namespace endorm {
namespace {

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

std::vector<LeftOutLine> use_lines(const std::string& path, const std::function<void(const InputLine&)>& use) {
  LineReader lines(path);
  std::vector<LeftOutLine> left_out;
  while (const std::optional<InputLine> line = lines.next()) {
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

std::string why_none_is_left(const std::vector<LeftOutLine>& left_out) {
  return left_out.empty() ? ": it is empty"
                          : "; line " + std::to_string(left_out.front().line) + ": " + left_out.front().reason;
}

}  // namespace endorm
