#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/llama/llama_engine.h"
#include "tests/engine/sequences.h"
#include "tests/temporary_directory.h"
#include "tests/train/log_rows.h"
#include "tests/train/tiny_models.h"
#include "train/sft_options.h"
#include "train/training_run.h"

using namespace endorm;
using nlohmann::json;

namespace {

std::unique_ptr<LlamaEngine> tiny_engine() {
  LlamaEngineOptions options;
  options.model_path = tiny_model_path("qwen2");
  return make_llama_engine(options);
}

// Seven steps over the letters, in folder/run.
SftOptions letters(const TemporaryDirectory& folder) {
  std::string lines;
  for (char letter = 'a'; letter < 'm'; ++letter) {
    lines += json{{"prompt", std::string(3, letter)}, {"response", std::string(2, letter)}}.dump() + "\n";
  }
  write_file(folder.file("letters.jsonl"), lines);
  SftOptions session;
  session.run.model = tiny_model_path("qwen2");
  session.data = folder.file("letters.jsonl");
  session.held_out = folder.file("letters.jsonl");
  session.held_out_every = 3;
  session.run.checkpoint_every = 2;
  session.run.steps = 7;
  session.run.device = "cpu";  // a run that goes on does so to the same bits there
  session.run.compute = "f32";
  session.run.directory = folder.file("run");
  session.batch = 4;
  session.run.schedule.peak = 1e-3;
  return session;
}

const auto quiet = [](const TrainingStep&, std::size_t) {};

}  // namespace

TEST_CASE("A session that is stopped between two checkpoints ends with the same file, each step logged once") {
  const TemporaryDirectory folder;
  const std::unique_ptr<LlamaEngine> engine = tiny_engine();
  const SftOptions session = letters(folder);
  const TrainingOutcome whole = run_sft(session, *engine, quiet);
  CHECK(whole.resumed_at == 0);
  REQUIRE(whole.held_out.has_value());

  SftOptions stopped = letters(folder);
  stopped.run.directory = folder.file("stopped");
  const auto stop_behind_five = [](const TrainingStep& step, std::size_t) {
    if (step.step == 5) {
      throw EngineError("stopped");
    }
  };
  CHECK_THROWS_AS(run_sft(stopped, *engine, stop_behind_five), EngineError);
  CHECK(log_rows(folder.file("stopped/run.jsonl")).size() == 6);
  write_file(folder.file("stopped/run.jsonl"), read_file(folder.file("stopped/run.jsonl")) + "{\"step\":6,\"lo");
  const TrainingOutcome resumed = run_sft(stopped, *engine, quiet);
  CHECK(resumed.resumed_at == 4);
  CHECK(*resumed.held_out == *whole.held_out);
  CHECK(read_file(resumed.exported) == read_file(whole.exported));
  const std::vector<json> rows = log_rows(folder.file("stopped/run.jsonl"));
  const std::vector<json> expected = log_rows(folder.file("run/run.jsonl"));
  REQUIRE(rows.size() == 8);
  CHECK(rows[0] == expected[0]);
  for (std::size_t index = 1; index < rows.size(); ++index) {
    CHECK(rows[index].at("step") == index);
    CHECK(rows[index].at("loss") == expected[index].at("loss"));
    CHECK(rows[index].contains("held_out_loss") == (index % 3 == 0 || index == 7));
  }
  CHECK(rows[7].at("loss").get<double>() < rows[1].at("loss").get<double>());

  SftOptions other = stopped;
  other.run.schedule.peak = 2e-3;
  CHECK_THROWS_WITH_AS(run_sft(other, *engine, quiet), doctest::Contains("other data, model or options"), InvalidInput);
}

TEST_CASE("Adapters are exported alone, and a session that has ended only exports again") {
  const TemporaryDirectory folder;
  const std::unique_ptr<LlamaEngine> engine = tiny_engine();
  SftOptions session = letters(folder);
  session.run.lora_rank = 4;
  const TrainingOutcome first = run_sft(session, *engine, quiet);
  CHECK(first.exported.ends_with("adapter.gguf"));
  const std::string bytes = read_file(first.exported);
  const TrainingOutcome again =
      run_sft(session, *engine, [](const TrainingStep&, std::size_t) { FAIL("no step is left"); });
  CHECK(again.resumed_at == 7);
  CHECK(read_file(again.exported) == bytes);
}

TEST_CASE("A run from nothing that is stopped ends with the same file, and another description is refused") {
  const TemporaryDirectory folder;
  SftOptions session = letters(folder);
  session.held_out.clear();
  session.new_model =
      NewModelFile{{.layers = 1, .width = 16, .heads = 2, .kv_heads = 1, .feed_forward = 24, .context = 64}, 5};
  const auto run_in = [&](const std::string& directory, const StepReport& report) {
    session.run.directory = directory;
    session.run.model = write_start_model(*session.new_model, directory);
    LlamaEngineOptions options;
    options.model_path = session.run.model;
    return run_sft(session, *make_llama_engine(options), report);
  };
  const TrainingOutcome whole = run_in(folder.file("whole"), quiet);
  const auto stop_behind_three = [](const TrainingStep& step, std::size_t) {
    if (step.step == 3) {
      throw EngineError("stopped");
    }
  };
  CHECK_THROWS_AS(run_in(folder.file("stopped"), stop_behind_three), EngineError);
  const TrainingOutcome resumed = run_in(folder.file("stopped"), quiet);
  CHECK(resumed.resumed_at == 2);
  CHECK(read_file(resumed.exported) == read_file(whole.exported));
  CHECK(read_file(folder.file("stopped/start.gguf")) == read_file(folder.file("whole/start.gguf")));
  CHECK(log_rows(folder.file("whole/run.jsonl"))[0].at("manifest").at("new_model").at("seed") == 5);

  session.new_model->seed = 6;
  CHECK_THROWS_WITH_AS(run_in(folder.file("stopped"), quiet), doctest::Contains("other data, model or options"),
                       InvalidInput);
}
