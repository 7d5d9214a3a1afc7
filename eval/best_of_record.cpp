#include "eval/best_of_record.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/message_json.h"
#include "score/json_check.h"
#include "score/message_reader.h"
#include "score/token_reader.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::array kEnds = {std::pair{CompletionEnd::kEndOfTurn, "end_of_turn"},
                              std::pair{CompletionEnd::kStop, "stop"}, std::pair{CompletionEnd::kLength, "length"}};

std::string end_name(CompletionEnd end) {
  for (const auto& [value, name] : kEnds) {
    if (value == end) {
      return name;
    }
  }
  throw InternalError("[best_of_record] a completion ends in no known way. Please report it.");
}

CompletionEnd end_from(const JsonField& end) {
  for (const auto& [value, name] : kEnds) {
    if (end.text() == name) {
      return value;
    }
  }
  throw InvalidInput("\"" + end.name() + "\" is \"" + excerpt(end.text()) +
                     "\", expected end_of_turn, stop or length.");
}

json of_vote(const std::optional<std::size_t>& vote) { return vote ? json(*vote) : json(nullptr); }

void add_drawn(json& record, const Example& example) {
  const DrawnAnswers& drawn = *example.drawn;
  record["reference"] = drawn.reference;
  if (drawn.tolerance > 0.0) {
    record["tolerance"] = drawn.tolerance;
  }
  if (!drawn.error.empty()) {
    record["error"] = drawn.error;
    return;
  }
  record["answers"] = drawn.answers;
  record["reasons"] = drawn.reasons;
  record["ends"] = json::array();
  for (const CompletionEnd end : drawn.ends) {
    record["ends"].push_back(end_name(end));
  }
  record["tokens"] = drawn.tokens;
}

// The entries of a list with one for each response; empty where the field is absent.
std::vector<JsonField> for_responses(const JsonField& record, const char* name, std::size_t responses) {
  const std::optional<JsonField> field = record.find(name);
  std::vector<JsonField> entries = field ? field->list() : std::vector<JsonField>();
  if (field && entries.size() != responses) {
    throw InvalidInput("\"" + field->name() + "\" has " + std::to_string(entries.size()) + " entries for " +
                       std::to_string(responses) + " responses.");
  }
  return entries;
}

std::string text_or_empty(const JsonField& record, const char* name) {
  return record.has(name) ? record.at(name).text_or_number() : "";
}

void read_drawn(const JsonField& record, std::size_t responses, DrawnAnswers& drawn) {
  drawn.reference = record.at("reference").text();
  drawn.tolerance = record.has("tolerance") ? record.at("tolerance").number() : 0.0;
  drawn.error = text_or_empty(record, "error");
  for (const JsonField& answer : for_responses(record, "answers", responses)) {
    drawn.answers.push_back(answer.text());
  }
  for (const JsonField& reason : for_responses(record, "reasons", responses)) {
    drawn.reasons.push_back(reason.text());
  }
  for (const JsonField& end : for_responses(record, "ends", responses)) {
    drawn.ends.push_back(end_from(end));
  }
  for (const JsonField& tokens : for_responses(record, "tokens", responses)) {
    drawn.tokens.push_back(tokens.count());
  }
  if (drawn.error.empty() &&
      (drawn.ends.empty() || drawn.answers.empty() || drawn.reasons.empty() || drawn.tokens.empty())) {
    throw InvalidInput("\"answers\", \"reasons\", \"ends\" or \"tokens\" is missing, and there is no \"error\".");
  }
}

}  // namespace

void read_best_of_labels(const JsonField& record, Example& example) {
  std::vector<RequestResponse>& responses = example.request.responses;
  for (const JsonField& correct : for_responses(record, "correct", responses.size())) {
    example.correct.push_back(correct.truth());
  }
  for (const JsonField& vote : for_responses(record, "vote", responses.size())) {
    if (vote.value().is_null()) {
      example.vote.emplace_back();
    } else if (const std::size_t place = vote.count(); place < responses.size()) {
      example.vote.emplace_back(place);
    } else {
      vote.wrong_type("null or the place of a response");
    }
  }
  const std::vector<JsonField> ids = for_responses(record, "ids", responses.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!ids[i].list("a list of token ids").empty()) {
      responses[i].ids = read_token_ids(ids[i]);
    }
  }
  example.subject = text_or_empty(record, "subject");
  example.level = text_or_empty(record, "level");
  if (record.has("ends") || record.has("error")) {
    read_drawn(record, responses.size(), example.drawn.emplace());
  }
}

json best_of_record(const Example& example) {
  json record = {{"id", example.request.id}, {"key", example.request.key}, {"subset", example.subset}};
  if (example.group != example.request.id) {
    record["group"] = example.group;
  }
  if (!example.subject.empty()) {
    record["subject"] = example.subject;
  }
  if (!example.level.empty()) {
    record["level"] = example.level;
  }
  if (!example.request.messages.empty()) {
    record["prompt"] = message_list<json>(example.request.messages);
  }
  if (!example.request.responses.empty()) {
    json ids = json::array();
    bool any_ids = false;
    for (const RequestResponse& response : example.request.responses) {
      json& entry = record["responses"].emplace_back(json{{"text", response.text.text}});
      if (response.text.truncated) {
        entry["truncated"] = true;
      }
      ids.push_back(response.ids.value_or(Tokens{}));
      any_ids = any_ids || response.ids;
    }
    if (any_ids) {
      record["ids"] = std::move(ids);
    }
    record["correct"] = example.correct;
  }
  for (const std::optional<std::size_t>& vote : example.vote) {
    record["vote"].push_back(of_vote(vote));
  }
  if (example.drawn) {
    add_drawn(record, example);
  }
  return record;
}

Example best_of_example(const JsonField& record) {
  Example example;
  example.request.id = record.at("id").text();
  example.request.key = record.at("key").text();
  example.subset = record.at("subset").text();
  example.group = record.has("group") ? record.at("group").text() : example.request.id;
  if (record.has("prompt")) {  // else it was tokens
    std::vector<std::string> unknown;
    example.request.messages = read_messages(record.at("prompt"), unknown);
  }
  if (record.has("responses")) {
    for (const JsonField& response : record.at("responses").list()) {
      RequestResponse& own = example.request.responses.emplace_back();
      own.text.text = response.at("text").text();
      own.text.truncated = response.has("truncated") && response.at("truncated").truth();
    }
  }
  read_best_of_labels(record, example);
  if (example.correct.empty() && !(example.drawn && !example.drawn->error.empty())) {
    throw InvalidInput("there are no responses with \"correct\", and there is no \"error\".");
  }
  return example;
}

}  // namespace endorm
