#include "eval/row_reader.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "core/random.h"
#include "core/utf8.h"
#include "engine/content_hash.h"
#include "eval/row_texts.h"

namespace endorm {
namespace {

constexpr std::size_t kMostCharacters = 100'000;  // a text of so many is an accident of collecting, not an answer

void check_text(std::string_view text, const std::string& what) {
  if (trimmed_row(text).empty()) {
    throw InvalidInput(what + " is empty: there is nothing to judge.");
  }
  if (text.size() >= kMostCharacters && code_points(text) >= kMostCharacters) {
    throw InvalidInput(what + " has " + std::to_string(code_points(text)) + " characters; rows with texts of " +
                       std::to_string(kMostCharacters) + " and more are left out.");
  }
}

// A stream of its own for every pair of seed and id.
RandomStream stream_of(std::uint64_t seed, std::string_view id) {
  return RandomStream(seed_from(sha256(std::to_string(seed) + "\n" + std::string(id))));
}

// Texts of any content, told apart: each behind its length.
class KeyHash {
 public:
  void add(std::string_view text) {
    add(text.size());
    hash_.update(text);
  }
  void add(std::size_t number) { hash_.update(std::to_string(number) + ":"); }
  std::string finish() { return record_key(hash_.finish()); }

 private:
  Sha256 hash_;
};

std::string key_of(const Example& example) {
  KeyHash hash;
  hash.add(example.request.id);
  hash.add(example.subset);
  hash.add(example.request.messages.size());
  for (const Message& message : example.request.messages) {
    hash.add(message.role);
    hash.add(message.content);
  }
  hash.add(example.request.responses.size());
  for (const RequestResponse& response : example.request.responses) {
    hash.add(response.text.text);
    hash.add(std::size_t{response.text.truncated});
    hash.add(response.step_begins.size());
    for (const std::size_t begin : response.step_begins) {
      hash.add(begin);
    }
    for (const Token id : response.ids.value_or(Tokens{})) {
      hash.add(static_cast<std::size_t>(id));
    }
  }
  hash.add(example.request.alternatives.size());
  for (const std::string& alternative : example.request.alternatives) {
    hash.add(alternative);
  }
  for (const Comparison& comparison : example.comparisons) {
    hash.add(comparison.better);
    hash.add(comparison.worse);
    hash.add(comparison.cell);
  }
  for (const bool correct : example.correct) {
    hash.add(std::size_t{correct});
  }
  if (example.steps) {
    hash.add(example.steps->first_error ? *example.steps->first_error + 1 : 0);
    for (const bool wrong : example.steps->wrong.value_or(std::vector<bool>{})) {
      hash.add(std::size_t{wrong});
    }
  }
  return hash.finish();
}

// to[i] is where response i goes.
std::vector<std::size_t> shuffled_places(std::size_t count, RandomStream random) {
  std::vector<std::size_t> to(count);
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = i;
  }
  for (std::size_t i = count; i > 1; --i) {
    std::swap(to[i - 1], to[random.below(i)]);
  }
  return to;
}

// Moves element i to place to[i]; a list that is not known stays empty.
template <typename Value>
void place(std::vector<Value>& values, std::span<const std::size_t> to) {
  std::vector<Value> placed(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    placed[to[i]] = std::move(values[i]);
  }
  values = std::move(placed);
}

}  // namespace

std::vector<Message> prompt_messages(const JsonField& prompt) {
  if (prompt.is_text()) {
    return {{"user", prompt.text()}};
  }
  std::vector<Message> messages;
  for (const JsonField& turn : prompt.filled_list("a string or a list of messages")) {
    messages.push_back({turn.at("role").text(), turn.at("content").text()});
  }
  return messages;
}

Example make_example(std::string id, std::vector<Message> messages, std::vector<std::string> responses) {
  Example example;
  example.group = id;
  example.request.id = std::move(id);
  example.request.messages = std::move(messages);
  for (std::string& response : responses) {
    example.request.responses.push_back({.text = {.text = std::move(response), .truncated = false}, .step_begins = {}});
  }
  return example;
}

Example make_stepwise_example(std::string id, std::vector<Message> messages, const std::vector<std::string>& steps,
                              StepLabel label, std::string_view separator) {
  RequestResponse response;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    check_text(steps[i], "step " + std::to_string(i));
    if (i > 0) {
      response.text.text += separator;
    }
    response.step_begins.push_back(response.text.text.size());
    response.text.text += steps[i];
  }
  Example example = make_example(std::move(id), std::move(messages), {});
  example.request.responses.push_back(std::move(response));
  example.steps = std::move(label);
  return example;
}

void check_example(const Example& example) {
  const std::size_t count = example.request.responses.size();
  for (const Message& message : example.request.messages) {
    check_text(message.content, "the " + message.role + " message");
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!example.drawn) {  // a model may end its turn at once
      check_text(example.request.responses[i].text.text, "response " + std::to_string(i));
    }
  }
  if (!example.correct.empty() && example.correct.size() != count) {
    throw InvalidInput("there are " + std::to_string(example.correct.size()) + " labels for " + std::to_string(count) +
                       " responses.");
  }
  if (example.steps) {
    const std::size_t steps = example.request.responses.at(0).step_begins.size();
    if (example.steps->first_error.value_or(0) >= steps) {
      throw InvalidInput("the first wrong step is " + std::to_string(*example.steps->first_error) + " (from 0) of " +
                         std::to_string(steps) + " steps.");
    }
    if (example.steps->wrong && example.steps->wrong->size() != steps) {
      throw InvalidInput("there are " + std::to_string(example.steps->wrong->size()) + " labels for " +
                         std::to_string(steps) + " steps.");
    }
  }
}

void finish_example(Example& example, std::uint64_t order_seed) {
  const std::vector<std::size_t> to =
      shuffled_places(example.request.responses.size(), stream_of(order_seed, example.request.id));
  place(example.request.responses, to);
  place(example.correct, to);
  for (std::optional<std::size_t>& vote : example.vote) {
    vote = vote ? std::optional(to[*vote]) : std::nullopt;
  }
  place(example.vote, to);
  if (example.drawn) {
    place(example.drawn->answers, to);
    place(example.drawn->reasons, to);
    place(example.drawn->ends, to);
    place(example.drawn->tokens, to);
  }
  for (Comparison& comparison : example.comparisons) {
    comparison.better = to[comparison.better];
    comparison.worse = to[comparison.worse];
  }
  example.request.chosen_first = false;
  example.request.key = key_of(example);
}

}  // namespace endorm
