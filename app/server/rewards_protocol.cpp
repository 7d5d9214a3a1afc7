#include "app/server/rewards_protocol.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "app/server/other_family.h"
#include "core/errors.h"
#include "score/json_check.h"
#include "score/scored_json.h"

namespace endorm {
namespace {

// What a request says in "options".
struct RewardChoice {
  RewardOptions options;
  bool raw = false;
};

[[noreturn]] void refuse(const std::string& name) {
  std::set<std::string_view> known = {"text"};
  for (const Option<RewardOptions>& option : reward_options()) {
    if (option.in_request) {
      known.insert(option.name);
    }
  }
  std::string names;
  for (const std::string_view each : known) {
    names.append(names.empty() ? "" : ", ").append(each);
  }
  throw InvalidInput("there is no option \"" + name + "\". There are " + names + ".");
}

RewardChoice read_options(const Json& body, const ProtocolContext& context) {
  RewardChoice choice{{context.options, {.tokens = true, .steps = context.options.find_steps}}};
  const Json* options = optional_field(body, "options");
  if (!options) {
    return choice;
  }
  if (!options->is_object()) {
    throw InvalidInput("\"options\" is a JSON " + std::string(options->type_name()) + ", expected an object.");
  }
  for (const auto& [name, value] : options->items()) {
    const Option<RewardOptions>* option = find_option(reward_options(), name);
    if (name == "text" && value.is_string() && (value == "model" || value == "raw")) {
      choice.raw = value == "raw";
    } else if (name == "text" && !value.is_null()) {
      throw InvalidInput("option \"text\" is " + excerpt(value.dump()) + ", expected model or raw.");
    } else if (name != "text" && (option == nullptr || !option->in_request)) {
      refuse(name);
    } else if (!value.is_null()) {
      option->set(choice.options, value);
    }
  }
  choice.options.score = score_options(choice.options);
  return choice;
}

Request read_record(const Json& record, std::size_t number, const RewardChoice& choice,
                    const ProtocolContext& context) {
  std::vector<std::string> unknown;
  Request request = read_request(record, number, choice.options.score.step_separator, unknown);
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
  Asked asked{{}, choice.options.score, {}, {}};
  const Json* records = optional_field(body, "records");
  if (records) {
    if (!records->is_array() || records->empty()) {
      throw InvalidInput("\"records\" must be a list that is not empty.");
    }
    for (const auto& [name, value] : body.items()) {
      if (name != "records" && name != "model" && name != "options" && name != "stream" && name != "priority") {
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
    for (const char* name : {"model", "options", "stream", "priority"}) {
      record.erase(name);
    }
    asked.requests.push_back(read_record(record, 1, choice, context));
  }
  const auto row = [requests = asked.requests, rows = choice.options.rows](std::size_t place, const Scored& scored) {
    return scored_record(requests[place], scored, rows);
  };
  if (flag_field(body, "stream", false)) {
    asked.line = [row](std::size_t place, const Scored& scored) { return row(place, scored).dump(); };
  }
  const std::string aggregation(aggregation_name(choice.options.score.aggregate.kind));
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
