#include "app/server/rewards_protocol.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "app/server/other_family.h"
#include "core/errors.h"
#include "score/scored_json.h"

namespace endorm {
namespace {

constexpr std::size_t kMostNumbers = 16;

// What a request says in "options".
struct RewardChoice {
  ScoreOptions score;
  RowOptions rows{.tokens = true, .steps = false};
  bool raw = false;
};

// Takes options by name, and knows which were there that nobody took.
class OptionReader {
 public:
  explicit OptionReader(const Json& options) : options_(options) {
    if (!options.is_object()) {
      throw InvalidInput("\"options\" is a JSON " + std::string(options.type_name()) + ", expected an object.");
    }
  }

  template <typename Value>
  void take(const char* name, Value& value) {
    known_.insert(name);
    const Json* found = optional_field(options_, name);
    if (!found) {
      return;
    }
    if constexpr (std::is_same_v<Value, bool>) {
      require(found->is_boolean(), name, "true or false");
    } else if constexpr (std::is_same_v<Value, std::string>) {
      require(found->is_string(), name, "a string");
    } else if constexpr (std::is_same_v<Value, std::size_t>) {
      require(found->is_number_unsigned(), name, "a whole number");
    } else if constexpr (std::is_same_v<Value, std::vector<double>>) {
      const bool numbers = found->is_array() &&
                           std::all_of(found->begin(), found->end(), [](const Json& item) { return item.is_number(); });
      require(numbers && found->size() <= kMostNumbers, name, "a list of at most 16 numbers");
    } else {
      require(found->is_number(), name, "a number");
    }
    value = found->get<Value>();
  }

  void refuse_others() const {
    for (const auto& [name, value] : options_.items()) {
      if (!known_.contains(name)) {
        refuse(name);
      }
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& name) const {
    std::string names;
    for (const std::string& known : known_) {
      names.append(names.empty() ? "" : ", ").append(known);
    }
    throw InvalidInput("there is no option \"" + name + "\". There are " + names + ".");
  }

  void require(bool right, const char* name, const char* wanted) const {
    if (!right) {
      throw InvalidInput("option \"" + std::string(name) + "\" is " + options_.at(name).dump() + ", expected " +
                         wanted + ".");
    }
  }

  const Json& options_;
  std::set<std::string> known_;
};

RewardChoice read_options(const Json& body, const ProtocolContext& context) {
  RewardChoice choice{.score = context.options};
  choice.rows.steps = context.options.find_steps;
  const Json* options = optional_field(body, "options");
  if (!options) {
    return choice;
  }
  OptionReader reader(*options);
  std::string aggregation(aggregation_name(choice.score.aggregate.kind));
  std::string text = "model";
  std::string overflow(overflow_name(choice.score.overflow));
  std::string reading(reading_name(choice.score.text.reading));
  std::string turns(scored_turns_name(choice.score.turns));
  AggregateOptions& aggregate = choice.score.aggregate;
  reader.take("aggregation", aggregation);
  reader.take("gamma", aggregate.gamma);
  reader.take("floor", aggregate.floor);
  reader.take("chunk", aggregate.chunk);
  reader.take("last_k", aggregate.last_k);
  reader.take("initial_value", aggregate.initial_value);
  reader.take("alpha", choice.score.alpha);
  reader.take("also_alphas", choice.score.also_alphas);
  reader.take("end_of_turn", choice.score.text.end_of_turn);
  reader.take("template_newline", choice.score.text.template_newline);
  reader.take("response_is", reading);
  reader.take("score_turns", turns);
  reader.take("template_date", choice.score.text.date);
  reader.take("on_overflow", overflow);
  reader.take("step_separator", choice.score.step_separator);
  reader.take("steps", choice.rows.steps);
  reader.take("tokens", choice.rows.tokens);
  reader.take("text", text);
  reader.refuse_others();
  aggregate.kind = aggregation_from_name(aggregation);
  choice.score.overflow = overflow_from_name(overflow);
  choice.score.text.reading = reading_from_name(reading);
  choice.score.turns = scored_turns_from_name(turns);
  check_template_date(choice.score.text.date);
  choice.score.find_steps = choice.rows.steps || reads_steps(aggregate.kind);
  if (text != "model" && text != "raw") {
    throw InvalidInput("option \"text\" is \"" + text + "\", expected model or raw.");
  }
  choice.raw = text == "raw";
  check_score_options(choice.score);
  return choice;
}

Request read_record(const Json& record, std::size_t number, const RewardChoice& choice,
                    const ProtocolContext& context) {
  std::vector<std::string> unknown;
  Request request = read_request(record, number, choice.score.step_separator, unknown);
  if (!unknown.empty()) {
    throw InvalidInput("the field \"" + unknown.front() + "\" is not known.");
  }
  if (choice.raw) {
    if (request.messages.size() != 1 || !record.contains("prompt") || !record["prompt"].is_string()) {
      throw InvalidInput("raw text is one string: give \"prompt\" as a string, without \"system\".");
    }
    const bool messages = std::any_of(request.responses.begin(), request.responses.end(),
                                      [](const RequestResponse& response) { return !response.text.fields.empty(); });
    if (messages || !request.template_arguments.empty()) {
      throw InvalidInput(
          "raw text has no template that reads \"tools\", \"chat_template_kwargs\" or a message's fields. Leave them "
          "out, "
          "or leave out \"text\": \"raw\".");
    }
    request.raw = true;
    refuse_other_family(request.messages.front().content, *context.marks, "prompt");
  }
  return request;
}

}  // namespace

Asked read_rewards(const Json& body, const ProtocolContext& context) {
  const RewardChoice choice = read_options(body, context);
  Asked asked{{}, choice.score, {}, {}};
  const Json* records = optional_field(body, "records");
  if (records) {
    if (!records->is_array() || records->empty()) {
      throw InvalidInput("\"records\" must be a list that is not empty.");
    }
    for (const auto& [name, value] : body.items()) {
      if (name != "records" && name != "model" && name != "options" && name != "stream") {
        throw InvalidInput("\"" + name + "\" stands beside \"records\". Give it in each record, or one record alone.");
      }
    }
    for (const Json& record : *records) {
      const std::size_t number = asked.requests.size() + 1;
      try {
        asked.requests.push_back(read_record(record, number, choice, context));
      } catch (const InvalidInput& error) {
        throw InvalidInput("records[" + std::to_string(number - 1) + "]: " + error.what());
      }
    }
  } else {
    Json record = body;
    for (const char* name : {"model", "options", "stream"}) {
      record.erase(name);
    }
    asked.requests.push_back(read_record(record, 1, choice, context));
  }
  const auto row = [requests = asked.requests, rows = choice.rows](std::size_t place, const Scored& scored) {
    return scored_record(requests[place], scored, rows);
  };
  if (flag_field(body, "stream", false)) {
    asked.line = [row](std::size_t place, const Scored& scored) { return row(place, scored).dump(); };
  }
  const std::string aggregation(aggregation_name(choice.score.aggregate.kind));
  asked.reply = [row, context, aggregation, many = records != nullptr](std::span<const Scored> scored) {
    Json reply = {{"model", context.model}, {"aggregation", aggregation}};
    if (!many) {
      reply.update(row(0, scored.front()));
      return reply;
    }
    Json& rows = reply["rows"] = Json::array();
    for (std::size_t i = 0; i < scored.size(); ++i) {
      rows.push_back(row(i, scored[i]));
    }
    return reply;
  };
  return asked;
}

}  // namespace endorm
