// Every option means the same by every door: a flag of a command, "options" of a request.
#include <algorithm>
#include <string>

#include <CLI/CLI.hpp>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "app/cli/option_flags.h"
#include "app/server/openapi.h"
#include "app/server/rewards_protocol.h"
#include "core/errors.h"
#include "score/manifest.h"
#include "tests/score/moved_option.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

// The value as a flag: its words.
std::vector<std::string> flag_of(const Option<RewardOptions>& option, const Json& value) {
  std::string spelling = option.flag.empty() ? (value == false ? "--no-" : "--") + std::string(option.name)
                                             : std::string(option.flag.substr(option.flag.find("--")));
  std::replace(spelling.begin(), spelling.end(), '_', '-');
  if (value.is_boolean()) {
    return {spelling};
  }
  return {value.is_string() ? value.get<std::string>() : value.dump(), spelling};  // CLI11 takes words from the end
}

RewardOptions by_flags(std::vector<std::string> words) {
  CLI::App command;
  RewardOptions options;
  add_reward_flags(command, options);
  command.parse(std::move(words));
  return options;
}

ScoreOptions by_request(const std::string& name, const Json& value) {
  return read_rewards({{"prompt", "a"}, {"response", "b"}, {"options", {{name, value}}}}, {}).options;
}

TEST_CASE("a flag and a request give the same options") {
  std::size_t compared = 0;
  for (const Option<RewardOptions>& option : reward_options()) {
    if (!option.in_run || option.name == "tokens") {
      continue;
    }
    INFO(option.name);
    const Json value = moved_value(option, option.get({}));
    RewardOptions wanted;
    option.set(wanted, value);
    const RewardOptions flags = by_flags(flag_of(option, value));
    CHECK(score_options(flags) == score_options(wanted));
    CHECK(options_part(flags, 0, "") == options_part(wanted, 0, ""));
    if (option.in_request) {
      CHECK(by_request(std::string(option.name), value) == score_options(wanted));
      ++compared;
    }
  }
  CHECK(compared > 10);
}

TEST_CASE("what a door does not take is refused") {
  CHECK_THROWS_AS(by_flags({"0.5", "--also-alphas"}), CLI::ParseError);
  CHECK_THROWS_AS(by_flags({"2", "--gamma"}), InvalidInput);
  CHECK_THROWS_AS(by_flags({"0", "--chunk"}), InvalidInput);
  CHECK(contains(message_of<InvalidInput>([] { by_request("share_prefixes", false); }),
                 "there is no option \"share_prefixes\". There are aggregation, alpha, also_alphas, "));
  CHECK(by_request("gamma", nullptr) == ScoreOptions{});  // null is absent
}

TEST_CASE("/openapi.json has every option of a request") {
  const Json properties = Json::parse(openapi("1", false))["components"]["schemas"]["options"]["properties"];
  for (const Option<RewardOptions>& option : reward_options()) {
    INFO(option.name);
    CHECK(properties.contains(std::string(option.name)) == option.in_request);
  }
  const Json gamma = properties["gamma"]["anyOf"][0];
  CHECK(gamma["type"] == "number");
  CHECK(gamma["minimum"] == 0);
  CHECK(gamma["maximum"] == 1);
  CHECK(properties["alpha"]["anyOf"][0]["exclusiveMinimum"] == 0);
  CHECK(properties["on_overflow"]["anyOf"][0]["enum"] == Json{"error", "truncate-left", "skip"});
}

}  // namespace
}  // namespace endorm
