#include "report/run_file.h"

#include <sstream>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {
namespace {

using nlohmann::json;

const std::string kManifest = "{\"manifest\":{\"kind\":\"rl\",\"steps\":4,\"model\":\"m\"}}\n";

RunFile run_of(const std::string& text) {
  std::istringstream lines(text);
  return read_run_log(lines);
}

TEST_CASE("a log is told from a result file by its first line") {
  CHECK(begins_run_log("{\"manifest\":{\"kind\":\"sft\"}}"));
  for (const char* other : {"", "{", "[]", "3", "{\"manifest\":3}", "{\"manifest\":{}}", "{\"manifest\":{\"kind\":3}}",
                            "{\"manifest\":{\"endorm\":\"0.1.0\",\"command\":\"score\"}}", "{\"step\":1}", "\xFF"}) {
    INFO(other);
    CHECK_FALSE(begins_run_log(other));
    CHECK_THROWS_AS(run_of(std::string(other) + "\n"), InvalidInput);
  }
}

TEST_CASE("metrics are read by name, in the order in which they come, with the steps that have them") {
  const RunFile run = run_of(kManifest +
                             "{\"step\":1,\"loss\":2.5,\"kl\":0}\n\n{\"step\":2,\"loss\":2,\"held_out\":0.5}\r\n"
                             "{\"step\":4,\"loss\":1}");
  CHECK(run.kind == "rl");
  CHECK(run.manifest->at("model") == "m");
  CHECK(run.planned_steps == 4);
  CHECK(run.steps == 3);
  CHECK(run.last_step == 4);
  CHECK(run.finished());
  CHECK(run.faults.empty());  // whole, though no line break ends it
  REQUIRE(run.metrics.size() == 3);
  CHECK(run.metrics[0].name == "loss");
  CHECK(run.metrics[1].name == "kl");
  CHECK(run.metrics[2].name == "held_out");
  REQUIRE(run.metrics[0].points.size() == 3);
  CHECK(run.metrics[0].points[2].step == 4);
  CHECK(run.metrics[0].points[2].value == 1.0);
  REQUIRE(run.metrics[2].points.size() == 1);
  CHECK(run.metrics[2].points[0].step == 2);
}

TEST_CASE("a run that has just begun, or does not say how long it is, is not finished") {
  CHECK_FALSE(run_of(kManifest).finished());
  CHECK(run_of(kManifest).steps == 0);
  const RunFile endless = run_of("{\"manifest\":{\"kind\":\"rl\",\"steps\":\"many\"}}\n{\"step\":9,\"loss\":1}\n");
  CHECK_FALSE(endless.planned_steps);
  CHECK_FALSE(endless.finished());
}

TEST_CASE("samples keep the fields that are known") {
  const RunFile run = run_of(kManifest +
                             R"({"step":1,"sample":{"prompt":"p","response":"ab","reward":1,"note":"right","more":3,)"
                             R"("token_rewards":{"text":["a","b"],"reward":[0.5,0.5],"log_prob":[-1,-2]}}})" +
                             "\n");
  REQUIRE(run.samples.size() == 1);
  CHECK(run.samples[0].step == 1);
  CHECK(run.steps == 0);
  CHECK(json(*run.samples[0].json) == json::parse(R"({"prompt":"p","response":"ab","reward":1,"note":"right",
          "token_rewards":{"text":["a","b"],"reward":[0.5,0.5],"log_prob":[-1,-2]}})"));
}

TEST_CASE("a line that cannot be used is passed over with its number and reason, and nothing of it is kept") {
  struct Case {
    const char* line;
    const char* reason;
  };
  for (
      const auto& [line, reason] :
      {Case{"{\"step\":2,\"loss\":", "not JSON"},
       Case{"\xFF", "not JSON"},
       Case{"[1]", "expected an object"},
       Case{"null", "expected an object"},
       Case{"{\"loss\":1}", "no field \"step\""},
       Case{"{\"step\":-1}", "expected a whole number from 0"},
       Case{"{\"step\":\"2\"}", "expected a whole number from 0"},
       Case{"{\"step\":1.5}", "expected a whole number from 0"},
       Case{"{\"step\":1,\"loss\":3}", "step 1 stands behind step 1"},
       Case{"{\"step\":2,\"loss\":3,\"kl\":null}", "\"kl\" is a JSON null, expected a number"},
       Case{"{\"step\":2,\"loss\":\"3\"}", "expected a number"},
       Case{"{\"step\":2,\"loss\":{}}", "expected a number"},
       Case{"{\"step\":2,\"loss\":1,\"loss\":2}", "stands twice"},
       Case{"{\"step\":2,\"loss\":1e999}", "not JSON"},
       Case{"{\"step\":2,\"sample\":3}", "expected an object"},
       Case{"{\"step\":2,\"sample\":{}}", "no field \"sample.prompt\""},
       Case{R"({"step":2,"sample":{"prompt":"p","response":3}})", "\"sample.response\" is a JSON number"},
       Case{R"({"step":2,"sample":{"prompt":"p","response":"r"}})", "no field \"sample.reward\""},
       Case{R"({"step":2,"sample":{"prompt":"p","response":"r","reward":1,"note":3}})", "\"sample.note\""},
       Case{R"({"step":2,"sample":{"prompt":"p","response":"r","reward":1,"token_rewards":[]}})", "expected an object"},
       Case{
           R"({"step":2,"sample":{"prompt":"p","response":"r","reward":1,"token_rewards":{"text":["r"],"reward":[]}}})",
           "different lengths: reward"},
       Case{
           R"({"step":2,"sample":{"prompt":"p","response":"r","reward":1,"token_rewards":{"text":["r"],"reward":["1"]}}})",
           "\"sample.token_rewards.reward[0]\" is a JSON string"},
       Case{R"({"step":2,"sample":{"prompt":"p","response":"r","reward":1,"token_rewards":{"text":[1]}}})",
            "\"sample.token_rewards.text[0]\" is a JSON number"}}) {
    INFO(line);
    const RunFile run = run_of(kManifest + "{\"step\":1,\"loss\":2}\n" + line + "\n{\"step\":3,\"loss\":1}\n");
    REQUIRE(run.faults.size() == 1);
    CHECK(run.faults[0].line == 3);
    CHECK(run.faults[0].reason.find(reason) != std::string::npos);
    CHECK(run.steps == 2);
    CHECK(run.samples.empty());
    REQUIRE(run.metrics.size() == 1);
    CHECK(run.metrics[0].points.size() == 2);
  }
}

TEST_CASE("a last line that is not whole is passed over, and said to be that") {
  const RunFile run = run_of(kManifest + "{\"step\":1,\"loss\":2}\n{\"step\":2,\"lo");
  CHECK(run.steps == 1);
  REQUIRE(run.faults.size() == 1);
  CHECK(run.faults[0].line == 3);
  CHECK(run.faults[0].reason.find("the last line is not whole") == 0);
  const RunFile again = run_of(kManifest + "{\"step\":1,\"loss\":2}\n{\"step\":1,\"loss\":2}");
  REQUIRE(again.faults.size() == 1);
  CHECK(again.faults[0].reason == "step 1 stands behind step 1");
}

}  // namespace
}  // namespace endorm
