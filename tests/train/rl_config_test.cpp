#include "train/rl_config.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "tests/temporary_directory.h"

using namespace endorm;

namespace {

RlOptions read(const std::string& text) {
  const TemporaryDirectory folder;
  write_file(folder.file("run.toml"), text);
  return read_rl_config(folder.file("run.toml"));
}

// What is said of a configuration that is refused; empty: it is not.
std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("A configuration sets what it names and leaves the rest") {
  const RlOptions options = read(R"(
data = "a.jsonl"
steps = 30
[[reward]]
source = "endogenous"
aggregation = "last_k"
weight = [[1, 1.0], [20, 0]]
normalise = "group"
[[reward]]
source = "verified"
weight = 2
[algorithm]
name = "rloo"
lambda = 0.9
[kl]
in_loss = 0.02
in_loss_estimator = "k2"
[guards]
greatest_kl = false
on_fault = "roll_back"
)");
  CHECK(options.run.steps == 30);
  REQUIRE(options.rewards.size() == 2);
  CHECK(options.rewards[0].aggregation == Aggregation::kLastK);
  CHECK(options.rewards[0].mix.normalise == RewardScope::kGroup);
  CHECK(options.rewards[0].mix.weight(20) == 0.0);
  CHECK(options.rewards[1].kind == RewardKind::kVerified);
  CHECK(options.rewards[1].mix.weight(7) == 2.0);
  CHECK(options.advantage.algorithm == Algorithm::kRloo);
  CHECK(options.advantage.lambda == 0.9);
  CHECK(options.loss.kl_coefficient == 0.02);
  CHECK(options.loss.kl_estimator == KlEstimator::kK2);
  CHECK(!options.guards.greatest_kl);
  CHECK(options.guards.least_entropy == 0.02);
  CHECK(options.on_fault == OnFault::kRollBack);
  CHECK(options.rollout.group == RlOptions{}.rollout.group);
}

TEST_CASE("What is wrong in a configuration is said with its line, its key and what was expected") {
  const std::string data = "data = \"a.jsonl\"\n";
  CHECK(has(refusal("steps = 1\n"), "data is missing"));
  CHECK(has(refusal("data = \"a\nsteps = 1\n"), "run.toml, line 1"));
  CHECK(has(refusal(data + "step = 3\n"), "line 2: step is no key; did you mean steps?"));
  CHECK(has(refusal(data + "[rollout]\ngrop = 3\n"), "line 3: rollout.grop is no key; did you mean rollout.group?"));
  CHECK(has(refusal(data + "[whatever]\nx = 1\n"), "whatever is no key; there are algorithm, data, guards, kl, model"));
  CHECK(
      has(refusal(data + "[algorithm]\nclip_low = 0.1\n"), "algorithm.clip_low is no key; there are average, divide"));
  CHECK(has(refusal(data + "[[reward]]\nsource = \"endogenuous\"\n"),
            "line 3: reward[].source is 'endogenuous', expected one of endogenous, relative, "));
  CHECK(has(refusal(data + "steps = -1\n"), "steps is -1, expected a whole number of at least 1"));
  CHECK(has(refusal(data + "steps = 2.5\n"), "expected a whole number"));
  CHECK(has(refusal(data + "steps = 0\n"), "line 2: steps is 0, expected a whole number of at least 1"));
  CHECK(
      has(refusal(data + "[update]\nlearning_rate = nan\n"), "update.learning_rate is nan, expected a number above 0"));
  CHECK(has(refusal(data + "[update]\nlearning_rate = \"1e-5\"\n"),
            "update.learning_rate is '1e-5', expected a number above 0"));
  CHECK(has(refusal(data + "[update]\nrecompute = 1\n"), "recompute is 1, expected true or false"));
  CHECK(has(refusal(data + "reward = 3\n"), "write [[reward]]"));
  CHECK(has(refusal(data + "rollout = 3\n"), "write [rollout]"));
  CHECK(has(refusal(data + "[[reward]]\nweight = [[1, 2], 3]\n"), "no list of [step, number]"));
  CHECK(has(refusal(data + "[[reward]]\nweight = [[5, 2], [5, 3]]\n"), "reward[].weight has step 5 behind step 5"));
  CHECK(has(refusal(data + "[[reward]]\nweight = [[5, 2], [6, nan]]\n"), "reward[].weight is nan, expected a number"));
  CHECK(has(refusal(data + "[[reward]]\nweight = []\n"), "reward[].weight is an empty list"));
  CHECK(has(refusal(data + "[[reward]]\nsource = \"verified\"\ndense = true\n"), "verified has no reward a token"));
  CHECK(has(refusal(data + "[rollout]\ngroup = 1\n"), "group must be at least 2"));
  CHECK(has(refusal(data + "[update]\nminibatches = 1000\n"), "more than the responses"));
  CHECK_THROWS_AS(read_rl_config("/does/not/exist.toml"), InvalidInput);
}

TEST_CASE("Every key has a help, and is there once") {
  std::set<std::string> paths;
  for (const ConfigKey& key : rl_config_keys()) {
    CHECK(!key.facts.help.empty());
    CHECK(paths.insert(key.path).second);
  }
  CHECK(paths.size() > 50);
}

TEST_CASE("Every number out of its range is refused by name as the file is read, and what holds without it is in it") {
  std::size_t numbers = 0;
  for (const ConfigKey& key : rl_config_keys()) {
    const OptionFacts& facts = key.facts;
    const bool whole = facts.kind == OptionKind::kWhole;
    if (!whole && facts.kind != OptionKind::kNumber) {
      continue;
    }
    CAPTURE(key.path);
    ++numbers;
    const auto refused = [&](const std::string& value) {
      const std::size_t dot = key.path.rfind('.');
      std::string table = dot == std::string::npos ? "" : key.path.substr(0, dot);
      if (!table.empty()) {
        table = table == "reward[]" ? "[[reward]]\n" : "[" + table + "]\n";
      }
      const std::string name = dot == std::string::npos ? key.path : key.path.substr(dot + 1);
      CAPTURE(value);
      const std::string why = refusal("data = \"a.jsonl\"\n" + table + name + " = " + value + "\n");
      CHECK(has(why, "[config] run.toml, line "));
      CHECK(has(why, ": " + key.path + " is "));
    };
    std::vector<std::string> wrong = {"nan", "inf", "-inf", "true", "\"1\""};
    if (whole) {
      wrong.emplace_back("0.5");
    }
    const auto number = [&](double value) {
      return whole ? std::to_string(static_cast<long long>(value)) : std::to_string(value);
    };
    if (std::isfinite(facts.range.least)) {
      wrong.push_back(number(facts.range.least - (whole ? 1.0 : facts.range.open ? 0.0 : 0.001)));
    }
    if (std::isfinite(facts.range.most)) {
      wrong.push_back(number(facts.range.most + (whole ? 1.0 : 0.001)));
    }
    std::for_each(wrong.begin(), wrong.end(), refused);
    CHECK((key.standard == "false" || fits(facts, nlohmann::json::parse(key.standard))));
  }
  CHECK(numbers > 25);
}
