#include "app/server/gym_protocol.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

#include "app/server/response_items.h"
#include "core/errors.h"
#include "core/utf8.h"
#include "score/json_field.h"

namespace endorm {
namespace {

constexpr const char* kTask = "_ng_task_index";
constexpr const char* kRollout = "_ng_rollout_index";
constexpr const char* kSession = "resources_session_id";

// A reply that needs no model.
Asked at_once(Json reply) {
  Asked asked;
  asked.reply = [reply = std::move(reply)](std::span<const Scored>) { return reply; };
  return asked;
}

// {"resources_session_id"} of a body that names a session, as its reply has to be; none: it names none.
std::optional<Json> session_named(const Json& body) {
  if (!optional_field(body, kSession)) {
    return std::nullopt;
  }
  return Json{{kSession, text_field(body, kSession)}};
}

// Numbers of one name, in the order of their rollouts.
using Columns = std::vector<std::pair<std::string, std::vector<double>>>;

void add_number(Columns& columns, const std::string& name, double number) {
  auto found = std::find_if(columns.begin(), columns.end(), [&](const auto& column) { return column.first == name; });
  if (found == columns.end()) {
    columns.emplace_back(name, std::vector<double>());
    found = std::prev(columns.end());
  }
  found->second.push_back(number);
}

// The numbers of one verified rollout, true and false among them; those of "usage" of its response beside its own.
Json numbers_of(const Json& rollout) {
  Json numbers = Json::object();
  const auto take = [&](const Json& object) {
    for (const auto& [name, value] : object.items()) {
      if (name != kTask && name != kRollout && (value.is_number() || value.is_boolean())) {
        numbers[name] = value.is_boolean() ? Json(value.get<bool>() ? 1 : 0) : value;
      }
    }
  };
  take(rollout);
  const Json* response = optional_field(rollout, "response");
  const Json* used = response && response->is_object() ? optional_field(*response, "usage") : nullptr;
  if (used && used->is_object()) {
    take(*used);
  }
  return numbers;
}

double sum_of(std::span<const double> numbers) { return std::accumulate(numbers.begin(), numbers.end(), 0.0); }

// Writes "mean/NAME" and so on. One number has no standard deviation: 0.
void write_statistics(const Columns& columns, Json& metrics) {
  const auto write = [&](const char* name, const auto& figure) {
    for (const auto& [column, numbers] : columns) {
      metrics[std::string(name) + "/" + column] = figure(numbers);
    }
  };
  using Numbers = const std::vector<double>&;
  const auto mean = [](Numbers numbers) { return sum_of(numbers) / static_cast<double>(numbers.size()); };
  write("mean", mean);
  write("max", [](Numbers numbers) { return *std::max_element(numbers.begin(), numbers.end()); });
  write("min", [](Numbers numbers) { return *std::min_element(numbers.begin(), numbers.end()); });
  write("median", [](std::vector<double> numbers) {
    std::sort(numbers.begin(), numbers.end());
    const std::size_t half = numbers.size() / 2;
    return numbers.size() % 2 == 1 ? numbers[half] : (numbers[half - 1] + numbers[half]) / 2.0;
  });
  write("std", [&](Numbers numbers) {
    double squares = 0.0;
    const double middle = mean(numbers);
    for (const double number : numbers) {
      squares += (number - middle) * (number - middle);
    }
    return numbers.size() < 2 ? 0.0 : std::sqrt(squares / static_cast<double>(numbers.size() - 1));
  });
}

struct Task {
  Columns columns;
  Json rollouts = Json::array();
};

std::int64_t index_or(const JsonField& rollout, const char* name, std::int64_t otherwise) {
  const std::optional<JsonField> found = rollout.find(name);
  return found ? found->integer() : otherwise;
}

Json aggregated(const Json& body) {
  std::map<std::int64_t, Task> tasks;
  Columns all;
  for (const JsonField& rollout : JsonField(body).at("verify_responses").list("a list of verified rollouts")) {
    rollout.object("a verified rollout");
    const std::int64_t index = index_or(rollout, kTask, 0);
    Task& task = tasks[index];
    const std::int64_t place = index_or(rollout, kRollout, static_cast<std::int64_t>(task.rollouts.size()));
    Json& told = task.rollouts.emplace_back(
        Json{{"rollout_id", std::to_string(index) + ":" + std::to_string(place)}, {kTask, index}, {kRollout, place}});
    const Json numbers = numbers_of(rollout.value());
    for (const auto& [name, value] : numbers.items()) {
      told[name] = value;
      add_number(task.columns, name, value.get<double>());
      add_number(all, name, value.get<double>());
    }
  }
  Json reply = {
      {"group_level_metrics", Json::array()}, {"agent_metrics", Json::object()}, {"key_metrics", Json::object()}};
  for (const auto& [index, task] : tasks) {
    Json& group = reply["group_level_metrics"].emplace_back(Json{{kTask, index}});
    write_statistics(task.columns, group);
    group["num_rollouts"] = task.rollouts.size();
    group["rollout_infos"] = task.rollouts;
  }
  write_statistics(all, reply["agent_metrics"]);
  for (const auto& [name, value] : reply["agent_metrics"].items()) {
    if (name.starts_with("mean/")) {
      reply["key_metrics"][name] = value;
    }
  }
  return reply;
}

}  // namespace

Asked read_seed_session(const Json& body, const ProtocolContext&) {
  Asked asked = at_once(session_named(body).value_or(Json::object()));
  asked.has_session = true;
  return asked;
}

Asked read_close_session(const Json& body, const ProtocolContext&) {
  return at_once(session_named(body).value_or(
      Json{{"object", "nemo_gym.session.close"}, {"status", "closed"}, {"released", true}}));
}

Asked read_verify(const Json& body, const ProtocolContext& context) {
  Asked asked{{}, context.options, {}, {}};
  asked.requests.push_back(rollout_request(body));
  asked.reply = [body, context](std::span<const Scored> scored) {
    const RowReward row = row_rewards(scored, context).front();
    Json verified = body;
    verified["reward"] = *row.number;
    if (!row.error.empty()) {
      verified["failure_reason"] = valid_utf8(row.error);
    }
    return verified;
  };
  return asked;
}

Asked read_aggregate_metrics(const Json& body, const ProtocolContext&) { return at_once(aggregated(body)); }

std::string_view without_rollout(std::string_view path) {
  constexpr std::string_view kPrefix = "/ng-rollout/";
  constexpr std::array<std::string_view, 4> kOwn = {"/seed_session", "/close_session", "/verify", "/aggregate_metrics"};
  if (!path.starts_with(kPrefix)) {
    return path;
  }
  const std::size_t end = path.find('/', kPrefix.size());
  const std::string_view rest = end == std::string_view::npos ? std::string_view() : path.substr(end);
  return std::find(kOwn.begin(), kOwn.end(), rest) != kOwn.end() ? rest : path;
}

Json reverify_mode() { return "stateless"; }

}  // namespace endorm
