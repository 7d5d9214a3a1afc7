#include "score/score_options.h"

#include <limits>
#include <set>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "judge/judges.h"
#include "score/manifest.h"
#include "tests/score/moved_option.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

RewardOptions moved(const Option<RewardOptions>& option) {
  RewardOptions options;
  option.set(options, moved_value(option, option.get(options)));
  return options;
}

// All that a manifest says of the options.
Json manifest_of(const RewardOptions& options) {
  return {options_part(options, 512, ""), template_part("sha", options.score.text)};
}

TEST_CASE("names are told once") {
  std::set<std::string_view> names;
  for (const Option<RewardOptions>& option : reward_options()) {
    CHECK(names.insert(option.name).second);
    CHECK_FALSE(option.help.empty());
  }
  CHECK(find_option(reward_options(), "gamma")->name == "gamma");
  CHECK(find_option(reward_options(), "gama") == nullptr);
}

TEST_CASE("every option comes back from its JSON, and leaves the others alone") {
  for (const Option<RewardOptions>& option : reward_options()) {
    INFO(option.name);
    const RewardOptions options = moved(option);
    for (const Option<RewardOptions>& other : reward_options()) {
      INFO(other.name);
      const bool is_moved = other.get(options) != other.get({});
      CHECK(is_moved == (other.name == option.name));
    }
    RewardOptions again;
    option.set(again, Json::parse(option.get(options).dump()));
    CHECK(option.get(again) == option.get(options));
  }
}

TEST_CASE("what changes a number is part of equality, fingerprint and manifest; what changes a row, of the manifest") {
  const RewardOptions plain;
  for (const Option<RewardOptions>& option : reward_options()) {
    INFO(option.name);
    RewardOptions options = moved(option);
    RewardOptions before = plain;
    if (option.name == "step_separator") {  // it is read where steps are looked for
      options.rows.steps = before.rows.steps = true;
    }
    const ScoreOptions score = score_options(options);
    const bool is_same_number = option.effect != OptionEffect::kNumber;
    CHECK((score_fingerprint(score) == score_fingerprint(score_options(before))) == is_same_number);
    CHECK((score == score_options(before)) == (option.effect == OptionEffect::kRow));
    CHECK((manifest_of(options) == manifest_of(before)) == (option.effect == OptionEffect::kSpeed));
  }
}

TEST_CASE("result files of the first version tell these options as they did") {
  CHECK(score_fingerprint({}) == "alpha=1 discounted gamma=0.93 floor=0 chunk=16 last_k=16 end_of_turn overflow=0");
  ScoreOptions options;
  options.aggregate = {Aggregation::kMinStep, 0.5, 0.25, 2, 3, true};
  options.alpha = 2.0;
  options.text = {false, true, ResponseReading::kAnswer, R"({"a":1})", "2025-06-23"};
  options.turns = ScoredTurns::kAll;
  options.overflow = Overflow::kSkip;
  options.find_steps = true;
  options.share_prefixes = false;
  CHECK(score_fingerprint(options) ==
        "alpha=2 min_step gamma=0.5 floor=0.25 chunk=2 last_k=3 initial_value template_newline response is answer "
        "template arguments {\"a\":1} date 2025-06-23 every turn overflow=2 steps at \"\n\n\" no sharing");
}

TEST_CASE("a value of another kind or outside its range is refused by name") {
  RewardOptions options;
  const auto refusal = [&](const std::string& name, const Json& value) {
    return message_of<InvalidInput>([&] { find_option(reward_options(), name)->set(options, value); });
  };
  CHECK(refusal("gamma", 2) == "option \"gamma\" is 2, expected a number from 0 to 1.");
  CHECK(refusal("gamma", "x") == "option \"gamma\" is \"x\", expected a number from 0 to 1.");
  CHECK(refusal("chunk", 0) == "option \"chunk\" is 0, expected a whole number of at least 1.");
  CHECK(refusal("alpha", 0.0) == "option \"alpha\" is 0.0, expected a number above 0.");
  CHECK(
      refusal("aggregation", "median") ==
      "option \"aggregation\" is \"median\", expected one of discounted, sum, mean, chunked_mean, step_mean, min_step, "
      "last_k.");
  CHECK(contains(refusal("template_date", "2025-13-01"), "2025-13-01"));
  CHECK(contains(refusal("chat_template_kwargs", "[1]"), "--template-kwargs"));
  CHECK(contains(refusal("also_alphas", Json(std::vector<double>(17, 1.0))), "at most 16 numbers"));
  for (const Option<RewardOptions>& option : reward_options()) {
    INFO(option.name);
    CHECK(contains(refusal(std::string(option.name), Json::array({Json::object()})), std::string(option.name)));
    const bool is_number = option.kind == OptionKind::kNumber;
    if (is_number) {
      CHECK(contains(refusal(std::string(option.name), std::numeric_limits<double>::quiet_NaN()), "expected a number"));
      CHECK(contains(refusal(std::string(option.name), -1.0), "expected a number"));
      CHECK(contains(refusal(std::string(option.name), std::numeric_limits<double>::infinity()), "expected a number"));
    }
  }
  CHECK(options.score == ScoreOptions{});
}

TEST_CASE("steps are looked for where a row shows them or the aggregation needs them") {
  RewardOptions options;
  CHECK_FALSE(score_options(options).find_steps);
  options.score.aggregate.kind = Aggregation::kStepMean;
  CHECK(score_options(options).find_steps);
  options = {{}, {.tokens = false, .steps = true}};
  CHECK(score_options(options).find_steps);
}

}  // namespace
}  // namespace endorm
