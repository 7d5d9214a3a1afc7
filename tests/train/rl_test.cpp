#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/llama/llama_engine.h"
#include "tests/engine/sequences.h"
#include "tests/temporary_directory.h"
#include "tests/train/log_rows.h"
#include "train/response_rewards.h"
#include "train/rl_numbers.h"
#include "train/rl_options.h"
#include "train/training_run.h"

using namespace endorm;
using nlohmann::json;

namespace {

LlamaEngineOptions tiny_engine(const std::string& model = "qwen2") {
  LlamaEngineOptions options;
  options.model_path = tiny_model_path(model);
  options.template_source = TemplateSource::kRaw;
  options.cache_type = CacheType::kF32;
  options.threads = 2;
  return options;
}

// Six short steps over eight prompts, in folder/NAME.
RlOptions letters(const TemporaryDirectory& folder, const std::string& name = "run") {
  std::string lines;
  for (char letter = 'a'; letter < 'i'; ++letter) {
    lines += json{{"prompt", std::string(3, letter)}, {"answer", "7"}}.dump() + "\n";
  }
  write_file(folder.file("letters.jsonl"), lines);
  RlOptions options;
  options.run.model = tiny_model_path("qwen2");
  options.data = folder.file("letters.jsonl");
  options.run.directory = folder.file(name);
  options.run.steps = 6;
  options.run.device = "cpu";  // a run that goes on does so to the same bits there
  options.run.compute = "f32";
  options.run.checkpoint_every = 2;
  options.samples_every = 2;
  options.rollout.prompts = 3;
  options.rollout.group = 4;
  options.rollout.max_tokens = 8;
  options.run.schedule.peak = 2e-3;
  options.rewards.front().aggregation = Aggregation::kMean;
  return options;
}

GuardLimits unwatched() {
  return {.least_entropy = {},
          .least_entropy_of_start = {},
          .least_length = {},
          .least_length_of_start = {},
          .greatest_length_of_start = {},
          .greatest_kl = {}};
}

std::vector<double> column(const RlOptions& options, const std::string& name) {
  std::vector<double> values;
  for (const json& row : log_rows(options.run.directory + "/run.jsonl")) {
    if (row.contains(name)) {
      values.push_back(row[name].get<double>());
    }
  }
  return values;
}

double mean(const std::vector<double>& values, std::size_t begin, std::size_t end) {
  double sum = 0.0;
  for (std::size_t i = begin; i < end; ++i) {
    sum += values.at(i);
  }
  return sum / static_cast<double>(end - begin);
}

const auto quiet = [](const TrainingStep&, std::size_t) {};

}  // namespace

TEST_CASE(
    "Fifty steps on a frozen model's reward: it rises, the reward model stays as it was, the trainer reads alike") {
  const TemporaryDirectory folder;
  RlOptions options = letters(folder);
  options.run.steps = 50;
  options.run.device = "auto";
  options.rollout.group = 8;
  options.guards = unwatched();
  const Digest before = sha256_file(options.run.model);
  const auto frozen = make_llama_engine(tiny_engine());
  const Tokens prompt = {1, 5, 9};
  const Tokens response = {12, 40, 7};
  const std::vector<TokenPath> read = {{prompt, response}};
  const double reward = read_rewards(*frozen, read).front().back().reward;

  const TrainingOutcome outcome = run_rl(options, tiny_engine(), quiet);
  CHECK(outcome.fault.empty());
  const std::vector<double> rewards = column(options, "reward");
  REQUIRE(rewards.size() == 50);
  MESSAGE("mean reward: ", mean(rewards, 0, 5), " at the start, ", mean(rewards, 45, 50), " at the end");
  CHECK(mean(rewards, 45, 50) > mean(rewards, 0, 5) + 0.5);
  CHECK(column(options, "kl").front() == doctest::Approx(0.0).epsilon(1e-4));
  CHECK(mean(column(options, "kl"), 45, 50) > 0.1);
  CHECK(mean(column(options, "rollout_mismatch"), 0, 50) < 1e-4);
  CHECK(sha256_file(options.run.model) == before);
  CHECK(read_rewards(*frozen, read).front().back().reward == reward);
  CHECK(read_rewards(*make_llama_engine(tiny_engine()), read).front().back().reward == reward);
}

TEST_CASE("A run that is stopped between two checkpoints ends with the same file, each step logged once") {
  const TemporaryDirectory folder;
  for (const bool refresh : {false, true}) {
    CAPTURE(refresh);
    RlOptions options = letters(folder, refresh ? "whole-refresh" : "whole");
    options.refresh_every = refresh ? 2 : 0;
    CHECK(run_rl(options, tiny_engine(), quiet).resumed_at == 0);
    RlOptions stopped = options;
    stopped.run.directory = folder.file(refresh ? "stopped-refresh" : "stopped");
    CHECK_THROWS_AS(run_rl(stopped, tiny_engine(),
                           [](const TrainingStep& step, std::size_t) {
                             if (step.step == 5) {
                               throw EngineError("stopped");
                             }
                           }),
                    EngineError);
    CHECK(run_rl(stopped, tiny_engine(), quiet).resumed_at == 4);
    CHECK(read_file(stopped.run.directory + "/model.gguf") == read_file(options.run.directory + "/model.gguf"));
    CHECK(column(stopped, "reward") == column(options, "reward"));
    CHECK(column(stopped, "step").size() == 6 + 3 * 2);  // a line a step, and two samples at every second
  }
  RlOptions other = letters(folder, "whole");
  other.run.clip_norm = 0.5;
  CHECK_THROWS_AS(run_rl(other, tiny_engine(), quiet), InvalidInput);
}

TEST_CASE("Every algorithm, placement of the reward, and kind of weights runs and learns") {
  const TemporaryDirectory folder;
  struct Case {
    std::string name;
    std::function<void(RlOptions&)> set;
  };
  const std::vector<Case> cases = {
      {"ppo",
       [](RlOptions& options) {
         options.advantage.algorithm = Algorithm::kPpo;
         options.rewards.front().dense = true;
         options.advantage.kl_coefficient = 0.05;
         options.update.epochs = 2;
         options.update.minibatches = 2;
       }},
      {"rloo",
       [](RlOptions& options) {
         options.advantage.algorithm = Algorithm::kRloo;
         options.loss.kl_coefficient = 0.05;
       }},
      {"reinforce",
       [](RlOptions& options) {
         options.advantage.algorithm = Algorithm::kReinforcePlusPlus;
         options.loss.objective = PolicyObjective::kReinforce;
         options.loss.entropy_coefficient = 0.01;
         options.rewards.front().aggregation = Aggregation::kMinStep;
       }},
      {"adapter",
       [](RlOptions& options) {
         options.run.lora_rank = 2;
         options.refresh_every = 3;
       }},
      {"mixed",
       [](RlOptions& options) {
         options.rewards.assign(3, options.rewards.front());
         options.rewards[1].kind = RewardKind::kMajority;
         options.rewards[2].kind = RewardKind::kRelative;
         options.reward_model = tiny_model_path("llama");  // of as many tokens
         options.rewards[0].mix = {{{1, 1.0}, {4, 0.0}}, RewardScope::kGroup};
         options.held_out = options.data;
         options.held_out_every = 3;
       }},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    RlOptions options = letters(folder, one.name);
    options.guards = unwatched();
    one.set(options);
    const TrainingOutcome outcome = run_rl(options, tiny_engine(), quiet);
    CHECK(outcome.fault.empty());
    CHECK(column(options, "reward").size() == 6);
    CHECK(column(options, "gradient_norm").back() > 0.0);
    CHECK(std::abs(column(options, "kl").back()) > 1e-5);
    CHECK(column(options, "held_out_accuracy").size() == (one.name == "mixed" ? 2 : 0));
  }
  const std::vector<double> weights = column(letters(folder, "mixed"), "reward_weight/endogenous");
  for (std::size_t step = 1; step <= 6; ++step) {
    CHECK(weights.at(step - 1) == doctest::Approx(std::max(0.0, 1.0 - static_cast<double>(step - 1) / 3.0)));
  }
}

TEST_CASE("Rewards that are all equal move nothing and are no NaN") {
  const TemporaryDirectory folder;
  RlOptions options = letters(folder);
  options.rewards.front().kind = RewardKind::kVerified;  // random letters are never right
  const TrainingOutcome outcome = run_rl(options, tiny_engine(), quiet);
  CHECK(outcome.fault.empty());
  for (const double advantage : column(options, "advantage")) {
    CHECK(advantage == 0.0);
  }
  CHECK(mean(column(options, "gradient_norm"), 0, 6) == 0.0);
  CHECK(std::abs(column(options, "kl").back()) < 1e-4);

  // Where nothing asks for the KL, the reference is not read.
  options.run.directory = folder.file("unread");
  options.guards.greatest_kl.reset();
  CHECK(run_rl(options, tiny_engine(), quiet).fault.empty());
  CHECK(column(options, "kl").empty());
  CHECK(column(options, "reward").size() == 6);
}

TEST_CASE("A guard ends the run and says why; what is exported is the last checkpoint where that is asked for") {
  const TemporaryDirectory folder;
  RlOptions options = letters(folder);
  options.run.steps = 20;
  options.run.schedule.peak = 1e-2;
  options.guards.window = 1;
  options.guards.greatest_kl = 0.05;
  const TrainingOutcome stopped = run_rl(options, tiny_engine(), quiet);
  CHECK(stopped.fault.find("KL") != std::string::npos);
  REQUIRE(stopped.exported_step < 20);
  options.run.directory = folder.file("back");
  options.on_fault = OnFault::kRollBack;
  options.run.checkpoint_every = 1;
  const TrainingOutcome back = run_rl(options, tiny_engine(), quiet);
  CHECK(back.fault == stopped.fault);
  CHECK(back.exported_step == stopped.exported_step - 1);
}

TEST_CASE("Verified, majority and the parts of a reward, by hand; repetition") {
  const auto model = make_llama_engine(tiny_engine());
  const std::vector<RlProblem> problems = {{"?", {1, 5}, "7"}, {"?", {1, 6}, "3"}};
  std::vector<SampledResponse> responses;
  for (const char* text : {"it is \\boxed{7}", "it is \\boxed{4}", "it is \\boxed{4}", "no idea"}) {
    responses.push_back({.problem = 0, .tokens = {9, 8, 7}, .log_prob = {-1, -1, -1}, .text = text});
  }
  responses.push_back({.problem = 1, .tokens = {4, 4}, .log_prob = {-1, -1}, .text = "\\boxed{3}"});
  std::vector<RewardSpec> sources(4);
  sources[0].kind = RewardKind::kVerified;
  sources[1].kind = RewardKind::kMajority;
  sources[2].aggregation = Aggregation::kSum;
  sources[3].dense = true;
  const ResponseRewards read = reward_responses(responses, problems, sources, *model, model.get());
  const std::vector<double> verified = {1, 0, 0, 0, 1};
  const std::vector<double> majority = {0, 1, 1, 0, 1};
  for (std::size_t b = 0; b < responses.size(); ++b) {
    CHECK(read.parts[b][0].response == verified[b]);
    CHECK(read.parts[b][1].response == majority[b]);
    double log_prob = 0.0;
    double dense = 0.0;
    for (std::size_t t = 0; t < responses[b].tokens.size(); ++t) {
      log_prob += read.reference_log_prob[b][t];
      dense += read.parts[b][3].tokens[t];
    }
    CHECK(read.parts[b][2].response == doctest::Approx(log_prob));
    CHECK(dense == doctest::Approx(log_prob + read.endogenous[b].front().value));  // telescoping
  }
  CHECK(share_of_right(responses, problems) == doctest::Approx(0.4));
  CHECK(repetition(std::vector<Token>{1, 2, 3}) == 0.0);
  CHECK(repetition(std::vector<Token>{1, 1, 1, 1, 1}) == doctest::Approx(0.5));
}

TEST_CASE("Data and models that cannot be used are refused, and what is left out is said") {
  const TemporaryDirectory folder;
  RlOptions options = letters(folder);
  options.rollout.max_prompt_tokens = 1;
  CHECK_THROWS_WITH_AS(run_rl(options, tiny_engine(), quiet), doctest::Contains("max_prompt_tokens"), InvalidInput);
  options = letters(folder);
  options.reward_model = folder.file("absent.gguf");
  CHECK_THROWS_AS(run_rl(options, tiny_engine(), quiet), InvalidInput);
  write_file(folder.file("empty.jsonl"), "");
  options = letters(folder);
  options.data = folder.file("empty.jsonl");
  CHECK_THROWS_WITH_AS(run_rl(options, tiny_engine(), quiet), doctest::Contains("empty"), InvalidInput);
  write_file(folder.file("some.jsonl"),
             "{\"prompt\": \"abc\", \"answer\": 7}\n{\"prompt\": \"abd\"}\n{\"prompt\": 3}\nnot json\n");
  options = letters(folder);
  options.run.steps = 1;
  options.data = folder.file("some.jsonl");
  options.rewards.front().kind = RewardKind::kVerified;
  const TrainingOutcome outcome = run_rl(options, tiny_engine(), quiet);
  CHECK(outcome.examples == 1);
  CHECK(outcome.left_out.size() == 3);
}
