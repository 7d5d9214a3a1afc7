#include "train/sft.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "core/errors.h"
#include "engine/llama/llama_engine.h"
#include "engine/weights/weight_file.h"
#include "tests/engine/sequences.h"
#include "tests/temporary_directory.h"
#include "tests/train/tiny_models.h"
#include "train/checkpoint.h"
#include "train/export.h"
#include "train/optimizer.h"

using namespace endorm;

namespace {

const TrainingData none;  // held out

std::unique_ptr<LlamaEngine> engine_of(const std::string& model, const std::vector<LoraAdapter>& adapters = {}) {
  LlamaEngineOptions options;
  options.model_path = model;
  options.adapters = adapters;
  options.cache_type = CacheType::kF32;  // the trainer rounds no key or value
  return make_llama_engine(options);
}

TrainingData data_of(const TemporaryDirectory& folder, const std::string& lines, bool every_turn = false,
                     std::size_t max_tokens = 512) {
  write_file(folder.file("data.jsonl"), lines);
  return read_training_data(folder.file("data.jsonl"), *engine_of(tiny_model_path("llama")), {}, max_tokens,
                            every_turn);
}

std::string sums() {
  std::string lines;
  for (int first = 1; first < 9; ++first) {
    for (int second = 1; second < 5; ++second) {
      lines += nlohmann::json{{"prompt", std::to_string(first) + "+" + std::to_string(second)},
                              {"response", std::to_string(first + second)}}
                   .dump() +
               "\n";
    }
  }
  return lines;
}

SftOptions six_steps() {
  SftOptions options;
  options.batch = 5;
  options.run.steps = 6;
  options.run.schedule = {.peak = 3e-3, .warm_up = 2};
  options.run.weight_decay = 0.01;
  options.run.seed = 3;
  options.run.pass_tokens = 64;
  return options;
}

double loss_of(const TrainingStep& step) { return step.metrics.front().second; }

// Mean -log pi of the sequences as the scorer's engine computes it.
double loss_by_engine(Engine& engine, const std::vector<TrainingSequence>& sequences) {
  double sum = 0.0;
  std::size_t targets = 0;
  for (const TrainingSequence& sequence : sequences) {
    TokenTree tree;
    const auto middle = sequence.tokens.begin() + static_cast<std::ptrdiff_t>(sequence.first_target);
    tree.insert(Tokens(sequence.tokens.begin(), middle), Tokens(middle, sequence.tokens.end()));
    const std::vector<TokenStats> all = engine.evaluate(tree, {}).front();
    for (const TokenStats& stats : all) {
      sum -= stats.logit - stats.log_sum_exp;
      ++targets;
    }
  }
  return sum / static_cast<double>(targets);
}

}  // namespace

TEST_CASE("Training lowers the loss, and its exports score as it does") {
  const TemporaryDirectory folder;
  const TrainingData data = data_of(folder, sums());
  CHECK(data.sequences.size() == 32);
  CHECK(data.left_out.empty());
  const WeightFile file(tiny_model_path("llama"));

  Decoder whole = tiny_decoder("llama", {});
  const double before = mean_loss(whole, data.sequences, 200);
  CHECK(loss_by_engine(*engine_of(tiny_model_path("llama")), data.sequences) == doctest::Approx(before).epsilon(1e-5));
  SftRun run(whole, data, none, six_steps());
  for (int step = 0; step < 6; ++step) {
    run.advance();
  }
  const double after = mean_loss(whole, data.sequences, 200);
  MESSAGE("loss " << before << " to " << after << " nats in 6 steps");
  CHECK(after < 0.8 * before);
  export_model(folder.file("whole.gguf"), file, whole, TensorType::kF32);
  CHECK(loss_by_engine(*engine_of(folder.file("whole.gguf")), data.sequences) == doctest::Approx(after).epsilon(1e-5));
  CHECK_THROWS_AS(export_adapter(folder.file("none.gguf"), file, whole), InvalidInput);

  Decoder adapted = tiny_decoder("llama", {});
  adapted.add_adapters({.rank = 8, .alpha = 16.0}, 5);
  SftOptions options = six_steps();
  options.run.schedule.peak = 2e-2;
  SftRun adapting(adapted, data, none, options);
  for (int step = 0; step < 6; ++step) {
    adapting.advance();
  }
  const double adapted_loss = mean_loss(adapted, data.sequences, 200);
  CHECK(adapted_loss < 0.9 * before);
  export_adapter(folder.file("adapter.gguf"), file, adapted);
  const auto with_adapter = engine_of(tiny_model_path("llama"), {{folder.file("adapter.gguf"), 1.0F}});
  CHECK(loss_by_engine(*with_adapter, data.sequences) == doctest::Approx(adapted_loss).epsilon(1e-4));
}

TEST_CASE("A run that was stopped goes on to the same bits") {
  const TemporaryDirectory folder;
  const TrainingData data = data_of(folder, sums());
  const std::string path = folder.file("checkpoint");
  Decoder straight = tiny_decoder("llama", {});
  SftRun uninterrupted(straight, data, none, six_steps());
  std::vector<double> losses;
  for (int step = 0; step < 6; ++step) {
    losses.push_back(loss_of(uninterrupted.advance()));
  }
  {
    Decoder first = tiny_decoder("llama", {});
    SftRun run(first, data, none, six_steps());
    for (int step = 0; step < 4; ++step) {
      run.advance();
      run.save(path, "this run");
    }
  }
  Decoder second = tiny_decoder("llama", {});
  SftRun run(second, data, none, six_steps());
  CHECK_THROWS_WITH_AS(run.resume(path, "another run"), doctest::Contains("other data, model or options"),
                       InvalidInput);
  run.resume(path, "this run");
  CHECK(run.steps_done() == 4);
  CHECK(loss_of(run.advance()) == losses[4]);
  CHECK(loss_of(run.advance()) == losses[5]);
  for (const auto& [name, tensor] : straight.weights()) {
    CAPTURE(name);
    CHECK(torch::equal(tensor, second.weights().at(name)));
  }
}

TEST_CASE("A checkpoint that does not fit on the disk leaves the old one") {
  const TemporaryDirectory folder;
  const TrainingData data = data_of(folder, sums());
  const std::string path = folder.file("checkpoint");
  Decoder decoder = tiny_decoder("llama", {});
  SftRun run(decoder, data, none, six_steps());
  run.advance();
  run.save(path, "run");
  run.advance();
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  CHECK_THROWS_AS(run.save(path, "run"), EngineError);
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK_FALSE(std::filesystem::exists(path + ".partial"));
  Decoder again = tiny_decoder("llama", {});
  SftRun resumed(again, data, none, six_steps());
  resumed.resume(path, "run");
  CHECK(resumed.steps_done() == 1);

  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  CHECK_THROWS_WITH_AS(resumed.resume(path, "run"), doctest::Contains("damaged"), InvalidInput);
}

TEST_CASE("What cannot be learnt from is left out with its reason") {
  const TemporaryDirectory folder;
  const std::string conversation =
      R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},)"
      R"( {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]})";
  const std::string pair = R"({"prompt": "a", "chosen": "b", "rejected": "c"})";
  const std::string lines =
      conversation + "\nno json\n{\"prompt\": \"a\", \"response\": \"" + std::string(600, 'x') + "\"}\n" + pair + "\n";
  const TrainingData last_turns = data_of(folder, lines);
  CHECK(last_turns.sequences.size() == 2);
  REQUIRE(last_turns.left_out.size() == 2);
  CHECK(last_turns.left_out[0].file == "data.jsonl");
  CHECK(last_turns.left_out[0].line == 2);
  CHECK(last_turns.left_out[1].line == 3);
  CHECK(last_turns.left_out[1].reason.find("--max-tokens") != std::string::npos);
  const TrainingData every_turn = data_of(folder, lines, true);
  CHECK(every_turn.sequences.size() == 3);
  CHECK(every_turn.sequences[0].tokens.size() < every_turn.sequences[1].tokens.size());
  CHECK(every_turn.sha256 != last_turns.sha256);
  CHECK_THROWS_WITH_AS(data_of(folder, ""), doctest::Contains("it is empty"), InvalidInput);
  CHECK_THROWS_WITH_AS(data_of(folder, "no json\n"), doctest::Contains("line 1"), InvalidInput);
}

TEST_CASE("Every epoch sees every sequence once, in an order of its own") {
  const std::vector<std::size_t> first = epoch_order(50, 1, 0);
  std::vector<std::size_t> sorted = first;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t index = 0; index < 50; ++index) {
    CHECK(sorted[index] == index);
  }
  CHECK(first == epoch_order(50, 1, 0));
  CHECK(first != epoch_order(50, 1, 1));
  CHECK(first != epoch_order(50, 2, 0));
}
