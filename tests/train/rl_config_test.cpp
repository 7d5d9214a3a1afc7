#include "train/rl_config.h"

#include <string>

#include <doctest/doctest.h>

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
last_k = 4
weight = [[1, 1.0], [20, 0]]
normalise = "group"
[[reward]]
source = "verified"
weight = 2
[algorithm]
name = "rloo"
dual_clip = 3
value_clip = false
[kl]
in_loss = 0.02
in_loss_estimator = "k2"
[guards]
greatest_kl = false
on_fault = "roll_back"
)");
  CHECK(options.steps == 30);
  REQUIRE(options.rewards.size() == 2);
  CHECK(options.rewards[0].aggregate.kind == Aggregation::kLastK);
  CHECK(options.rewards[0].aggregate.last_k == 4);
  CHECK(options.rewards[0].mix.normalise == RewardScope::kGroup);
  CHECK(options.rewards[0].mix.weight(20) == 0.0);
  CHECK(options.rewards[1].kind == RewardKind::kVerified);
  CHECK(options.rewards[1].mix.weight(7) == 2.0);
  CHECK(options.advantage.algorithm == Algorithm::kRloo);
  CHECK(options.loss.dual_clip == 3.0);
  CHECK(!options.update.value_clip);
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
  CHECK(has(refusal(data + "[whatever]\nx = 1\n"), "whatever is no key"));
  CHECK(has(refusal(data + "[[reward]]\nsource = \"endogenuous\"\n"), "line 3: reward[].source is none of"));
  CHECK(has(refusal(data + "steps = -1\n"), "no whole number"));
  CHECK(has(refusal(data + "steps = 2.5\n"), "no whole number"));
  CHECK(has(refusal(data + "steps = 0\n"), "steps is 0"));
  CHECK(has(refusal(data + "[update]\nlearning_rate = nan\n"), "update.learning_rate is no number"));
  CHECK(has(refusal(data + "[update]\nlearning_rate = \"1e-5\"\n"), "update.learning_rate is no number"));
  CHECK(has(refusal(data + "[update]\nrecompute = 1\n"), "neither true nor false"));
  CHECK(has(refusal(data + "reward = 3\n"), "write [[reward]]"));
  CHECK(has(refusal(data + "rollout = 3\n"), "write [rollout]"));
  CHECK(has(refusal(data + "[[reward]]\nweight = [[1, 2], 3]\n"), "no list of [step, number]"));
  CHECK(has(refusal(data + "[[reward]]\nweight = [[5, 2], [5, 3]]\n"), "weight"));
  CHECK(has(refusal(data + "[[reward]]\nsource = \"verified\"\ndense = true\n"), "verified has no reward a token"));
  CHECK(has(refusal(data + "[rollout]\ngroup = 1\n"), "group must be at least 2"));
  CHECK(has(refusal(data + "[update]\nminibatches = 1000\n"), "more than the responses"));
  CHECK_THROWS_AS(read_rl_config("/does/not/exist.toml"), InvalidInput);
}

TEST_CASE("Every key has a help, and is there once") {
  std::string last;
  std::size_t count = 0;
  for (const ConfigKey& key : rl_config_keys()) {
    CHECK(!key.help.empty());
    CHECK(key.path != last);
    last = key.path;
    ++count;
  }
  CHECK(count > 60);
}
