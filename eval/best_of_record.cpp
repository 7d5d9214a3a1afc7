#include "eval/best_of_record.h"

#include <algorithm>
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
#include "score/told_fields.h"

namespace endorm {
namespace {

constexpr std::array kEnds = {std::pair{CompletionEnd::kEndOfTurn, "end_of_turn"},
                              std::pair{CompletionEnd::kStop, "stop"}, std::pair{CompletionEnd::kLength, "length"}};

}  // namespace

void to_json(nlohmann::ordered_json& value, const CompletionEnd& end) {
  for (const auto& [known, name] : kEnds) {
    if (known == end) {
      value = name;
      return;
    }
  }
  throw InternalError("[best_of_record] a completion ends in no known way. Please report it.");
}

void read_into(const JsonField& field, CompletionEnd& end) {
  for (const auto& [known, name] : kEnds) {
    if (field.text() == name) {
      end = known;
      return;
    }
  }
  throw InvalidInput("\"" + field.name() + "\" is \"" + excerpt(field.text()) +
                     "\", expected end_of_turn, stop or length.");
}

void tell(auto& fields, MaybeConst<DrawnAnswers> auto& drawn) {
  fields.always("reference", drawn.reference);
  fields.unless_empty("tolerance", drawn.tolerance);
  fields.unless_empty("error", drawn.error);
  if (drawn.error.empty()) {
    fields.always("answers", drawn.answers);
    fields.always("reasons", drawn.reasons);
    fields.always("ends", drawn.ends);
    fields.always("tokens", drawn.tokens);
  }
}

void tell(auto& fields, MaybeConst<RequestResponse> auto& response) {
  fields.always("text", response.text.text);
  fields.unless_empty("truncated", response.text.truncated);
}

namespace {

using json = nlohmann::ordered_json;

void check_each(const std::string& name, std::size_t entries, std::size_t responses) {
  if (entries != responses) {
    throw InvalidInput("\"" + name + "\" has " + std::to_string(entries) + " entries for " + std::to_string(responses) +
                       " responses.");
  }
}

// A list with an entry for each response; it stays empty where the field is absent.
template <typename Entry>
void read_each(const JsonField& record, const char* name, std::size_t responses, std::vector<Entry>& entries) {
  if (const std::optional<JsonField> field = record.find(name)) {
    read_into(*field, entries);
    check_each(name, entries.size(), responses);
  }
}

std::string text_or_empty(const JsonField& record, const char* name) {
  return record.has(name) ? record.at(name).text_or_number() : "";
}

}  // namespace

void read_best_of_labels(const JsonField& record, Example& example) {
  std::vector<RequestResponse>& responses = example.request.responses;
  read_each(record, "correct", responses.size(), example.correct);
  read_each(record, "vote", responses.size(), example.vote);
  for (std::size_t i = 0; i < example.vote.size(); ++i) {
    if (example.vote[i] >= responses.size()) {
      record.at("vote").list()[i].wrong_type("null or the place of a response");
    }
  }
  if (const std::optional<JsonField> ids = record.find("ids")) {
    const std::vector<JsonField> each = ids->list();
    check_each("ids", each.size(), responses.size());
    for (std::size_t i = 0; i < each.size(); ++i) {
      if (!each[i].list("a list of token ids").empty()) {
        responses[i].ids = read_token_ids(each[i]);
      }
    }
  }
  example.subject = text_or_empty(record, "subject");
  example.level = text_or_empty(record, "level");
  if (record.has("ends") || record.has("error")) {
    DrawnAnswers& drawn = example.drawn.emplace();
    read_into(record, drawn);
    for (const std::size_t entries :
         {drawn.answers.size(), drawn.reasons.size(), drawn.ends.size(), drawn.tokens.size()}) {
      if (drawn.error.empty()) {
        check_each("answers\", \"reasons\", \"ends\" or \"tokens", entries, responses.size());
      }
    }
  }
}

json best_of_record(const Example& example) {
  json record;
  FieldWriter<json> fields(record);
  fields.always("id", example.request.id);
  fields.always("key", example.request.key);
  fields.always("subset", example.subset);
  if (example.group != example.request.id) {
    fields.always("group", example.group);
  }
  fields.unless_empty("subject", example.subject);
  fields.unless_empty("level", example.level);
  if (!example.request.messages.empty()) {
    record["prompt"] = message_list<json>(example.request.messages);
  }
  const std::vector<RequestResponse>& responses = example.request.responses;
  if (!responses.empty()) {
    fields.always("responses", responses);
    if (std::any_of(responses.begin(), responses.end(), [](const auto& each) { return each.ids.has_value(); })) {
      for (const RequestResponse& response : responses) {
        record["ids"].push_back(response.ids.value_or(Tokens{}));
      }
    }
    fields.always("correct", example.correct);
  }
  fields.unless_empty("vote", example.vote);
  if (example.drawn) {
    tell(fields, *example.drawn);
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
    read_into(record.at("responses"), example.request.responses);
  }
  read_best_of_labels(record, example);
  if (example.correct.empty() && !(example.drawn && !example.drawn->error.empty())) {
    throw InvalidInput("there are no responses with \"correct\", and there is no \"error\".");
  }
  return example;
}

}  // namespace endorm
