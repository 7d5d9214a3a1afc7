#include "train/training_data.h"

#include <numeric>
#include <span>
#include <utility>

#include "core/errors.h"
#include "core/random.h"
#include "engine/content_hash.h"
#include "score/line_reader.h"
#include "score/record.h"

namespace endorm {
namespace {

// A prompt and the response behind it that is learnt.
struct Turn {
  std::vector<Message> messages;
  ResponseText response;
};

// The turns of a record that are learnt.
std::vector<Turn> turns_of(const Request& request, bool every_turn) {
  std::vector<Turn> turns;
  if (every_turn) {
    for (std::size_t index = 1; index < request.messages.size(); ++index) {
      const Message& message = request.messages[index];
      if (message.role == "assistant") {
        turns.push_back({{request.messages.begin(), request.messages.begin() + static_cast<std::ptrdiff_t>(index)},
                         {message.content, false}});
      }
    }
  }
  for (const RequestResponse& response : request.responses) {
    turns.push_back({request.messages, response.text});
    if (request.chosen_first) {
      break;  // the rejected one is no example
    }
  }
  return turns;
}

TrainingSequence sequence_of(const Turn& turn, const Engine& engine, std::size_t max_tokens) {
  const TokenizedResponse tokenized =
      engine.tokenize(turn.messages, std::span(&turn.response, 1), TemplateOptions{}).front();
  TrainingSequence sequence{tokenized.prompt, tokenized.prompt.size()};
  sequence.tokens.insert(sequence.tokens.end(), tokenized.response.begin(), tokenized.response.end());
  if (tokenized.prompt.empty() || tokenized.response.empty()) {
    throw InvalidInput("prompt or response has no token");
  }
  if (sequence.tokens.size() > max_tokens) {
    throw InvalidInput(std::to_string(sequence.tokens.size()) + " tokens are more than the " +
                       std::to_string(max_tokens) + " of --max-tokens");
  }
  return sequence;
}

void add(Sha256& hash, const TrainingSequence& sequence) {
  const std::uint64_t sizes[] = {sequence.first_target, sequence.tokens.size()};
  hash.update(sizes, sizeof sizes);
  hash.update(sequence.tokens.data(), sequence.tokens.size() * sizeof(Token));
}

}  // namespace

TrainingData read_training_data(const std::string& path, const Engine& engine, std::size_t max_tokens,
                                bool every_turn) {
  TrainingData data;
  Sha256 hash;
  std::vector<std::string> unknown_fields;
  data.left_out = use_lines(path, [&](const InputLine& line) {
    const Request request = parse_request(line.text, line.number, "\n", unknown_fields);
    for (const Turn& turn : turns_of(request, every_turn)) {
      data.sequences.push_back(sequence_of(turn, engine, max_tokens));
      add(hash, data.sequences.back());
      data.target_tokens += data.sequences.back().tokens.size() - data.sequences.back().first_target;
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

}  // namespace endorm
