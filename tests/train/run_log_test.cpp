#include "train/run_log.h"

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using nlohmann::json;

const nlohmann::ordered_json kManifest = {{"kind", "rl"}};
const std::string kManifestLine = "{\"manifest\":{\"kind\":\"rl\"}}\n";

void log_steps(RunLog& log, std::size_t from, std::size_t to) {
  for (std::size_t step = from; step <= to; ++step) {
    const std::vector<Metric> metrics = {{"loss", 0.1 * static_cast<double>(step)}, {"kl", 0.0}};
    log.step(step, metrics);
  }
}

TEST_CASE("a run that is stopped and goes on has each step and each sample once") {
  const TemporaryDirectory folder;
  const std::string path = folder.file("run.jsonl");
  {
    RunLog log(path, kManifest, 0);
    CHECK(log.earlier_steps().empty());
    log_steps(log, 1, 2);
    log.sample(2, {.prompt = "2 + 2?", .response = "4", .reward = 1.0});
    log_steps(log, 3, 4);
    log.sample(4, {.prompt = "2 + 2?", .response = "5", .reward = 0.0});
  }
  const std::string whole = read_file(path);
  write_file(path, whole + "{\"step\":5,\"lo");
  {
    RunLog log(path, kManifest, 3);
    REQUIRE(log.earlier_steps().size() == 3);
    CHECK(log.earlier_steps()[2].step == 3);
    CHECK(log.earlier_steps()[2].metrics ==
          std::vector<std::pair<std::string, double>>{{"loss", 0.1 * 3.0}, {"kl", 0.0}});
    log_steps(log, 4, 4);
    log.sample(4, {.prompt = "2 + 2?", .response = "5", .reward = 0.0});
  }
  CHECK(read_file(path) == whole);
  CHECK_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST_CASE("a sample has its tokens, and bytes that are no UTF-8 are replaced") {
  const TemporaryDirectory folder;
  const std::string path = folder.file("run.jsonl");
  RunLog log(path, kManifest, 0);
  log.sample(1, {.prompt = "p\n</script>",
                 .response = "a\xFF",
                 .reward = -0.5,
                 .token_texts = {"a", "\xFF"},
                 .token_rewards = {0.25, -0.75},
                 .log_probs = {-0.5, -2.0},
                 .note = "wrong"});
  const std::string text = read_file(path);
  REQUIRE(text.starts_with(kManifestLine));
  CHECK(json::parse(text.substr(kManifestLine.size())) ==
        json::parse(R"({"step": 1, "sample": {"prompt": "p\n</script>", "response": "a\ufffd", "reward": -0.5,
          "note": "wrong", "token_rewards": {"text": ["a", "\ufffd"], "reward": [0.25, -0.75], "log_prob": [-0.5, -2.0]}}})"));
}

TEST_CASE("what would make a log unreadable is refused aloud, and nothing of it is written") {
  const TemporaryDirectory folder;
  const std::string path = folder.file("run.jsonl");
  RunLog log(path, kManifest, 0);
  log_steps(log, 1, 1);
  const std::string before = read_file(path);
  const auto refused = [&](std::size_t step, const std::vector<Metric>& metrics) {
    return message_of<InternalError>([&] { log.step(step, metrics); });
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  CHECK(contains(refused(2, {{"loss", 1.0}, {"kl", kNan}}), "kl of step 2 is not finite"));
  CHECK(contains(refused(2, {{"loss", -kInfinite}}), "loss of step 2 is not finite"));
  CHECK(contains(refused(2, {{"loss", 1.0}, {"loss", 1.0}}), "\"loss\" twice"));
  CHECK(contains(refused(2, {{"step", 1.0}}), "\"step\" twice"));
  CHECK(contains(refused(2, {{"sample", 1.0}}), "\"sample\""));
  CHECK(contains(refused(1, {{"loss", 1.0}}), "step 1 comes behind step 1"));
  const auto refused_sample = [&](const LoggedSample& sample, std::size_t step = 1) {
    return message_of<InternalError>([&] { log.sample(step, sample); });
  };
  CHECK(contains(refused_sample({.prompt = "", .response = "", .reward = kNan}), "reward of a sample of step 1"));
  CHECK(contains(refused_sample({.prompt = "", .response = "", .token_texts = {"a"}, .token_rewards = {1.0, 2.0}}),
                 "1 tokens and 2 numbers"));
  CHECK(contains(refused_sample({.prompt = "", .response = "", .token_texts = {"a"}, .log_probs = {kNan}}),
                 "log_prob of step 1 is not finite"));
  CHECK(contains(refused_sample({.prompt = "", .response = ""}, 0), "comes behind step 1"));
  CHECK(read_file(path) == before);
}

TEST_CASE("a log that is no log of this run is refused, and stays as it is") {
  const TemporaryDirectory folder;
  const std::string path = folder.file("run.jsonl");
  for (const std::string& text :
       {std::string(), kManifestLine.substr(0, 9), std::string("{\"manifest\":{}}\n"), kManifestLine + "no step\n",
        kManifestLine + "{\"loss\":1.0}\n", kManifestLine + "{\"step\":\"1\",\"loss\":1.0}\n",
        kManifestLine + "{\"step\":-1}\n", kManifestLine + "[1]\n", kManifestLine + "{\"step\":1,\"loss\":null}\n"}) {
    INFO(text);
    write_file(path, text);
    CHECK_THROWS_AS(RunLog(path, kManifest, 1), InvalidInput);
    CHECK(read_file(path) == text);
  }
  CHECK_THROWS_AS(RunLog(folder.file("none.jsonl"), kManifest, 1), InvalidInput);
}

TEST_CASE("each start of a run makes a file for TensorBoard beside the ones before it") {
  const TemporaryDirectory folder;
  std::filesystem::create_directory(folder.file("events"));
  const auto files = [&] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.file("events"))) {
      count += contains(entry.path().filename().string(), "events.out.tfevents.") ? 1 : 0;
    }
    return count;
  };
  {
    RunLog log(folder.file("run.jsonl"), kManifest, 0, folder.file("events"));
    log_steps(log, 1, 4);
  }
  CHECK(files() == 1);
  RunLog log(folder.file("run.jsonl"), kManifest, 2, folder.file("events"));
  log_steps(log, 3, 5);
  CHECK(files() == 2);
}

}  // namespace
}  // namespace endorm
