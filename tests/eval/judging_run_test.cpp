#include "eval/judging_run.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "judge/judge.h"
#include "score/window_size.h"
#include "tests/eval/tabular_examples.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

constexpr std::size_t kExamples = 60;
const std::string kManifest = R"({"manifest": {"judge": "endorm"}})";

// The judge whose numbers depend on what shares a window the least: each example by the exact engine.
class Run {
 public:
  Run() : judge_(make_judge("endorm", {engine_, cache_})), recorder(*judge_.scorer) {}

  std::vector<JudgedExample> to(const std::string& path, const std::vector<Example>& examples) {
    ResultLog log = ResultLog::open(path, kManifest, ResultMode::kResume);
    return run_judge(examples, recorder, {}, &log, read_judged_rows(path),
                     [this](const JudgingProgress& so_far) { progress.push_back(so_far); });
  }

 private:
  TabularEngine engine_ = test::random_engine();
  StatsCache cache_{std::nullopt};
  Judge judge_;

 public:
  test::Recorder recorder;
  std::vector<JudgingProgress> progress;
};

// Ends of the first `lines` lines of a text, newline included.
std::size_t end_of_line(const std::string& text, std::size_t lines) {
  std::size_t end = 0;
  for (; lines > 0; --lines) {
    end = text.find('\n', end) + 1;
  }
  return end;
}

TEST_CASE("windows end with the example that fills them, and verdicts come in order") {
  const std::vector<Example> examples = test::random_examples(kExamples, 1);
  const TemporaryDirectory directory;
  Run run;
  const std::vector<JudgedExample> rows = run.to(directory.file("rows"), examples);
  REQUIRE(rows.size() == kExamples);
  std::size_t next = 0;
  for (std::size_t window = 0; window < run.recorder.calls.size(); ++window) {
    std::size_t bytes = 0;
    for (const Request& request : run.recorder.calls[window]) {
      CHECK(bytes < window_bytes(window));
      CHECK(request.id == examples[next].request.id);
      CHECK(rows[next].id == request.id);
      bytes += text_bytes(examples[next++]);
    }
    CHECK((bytes >= window_bytes(window) || next == kExamples));
  }
  CHECK(next == kExamples);
  CHECK(run.recorder.calls.size() >= 3);
  REQUIRE(run.progress.size() == run.recorder.calls.size());
  std::size_t bytes = 0;
  for (const Example& example : examples) {
    bytes += text_bytes(example);
  }
  CHECK(run.progress.back().bytes == bytes);
  CHECK(run.progress.back().examples == kExamples);
  CHECK(run.progress.back().resumed == 0);
  CHECK(run.progress.front().examples == run.recorder.calls[0].size());
}

TEST_CASE("text_bytes counts every message and response") {
  CHECK(text_bytes(test::example_of("e", "[0][1]", {"[2]", "[3][4][0]"}, {})) == 6 + 3 + 9);
}

TEST_CASE("a run is resumed from any number of finished rows, whole or not: the same rows, the same file") {
  const std::vector<Example> examples = test::random_examples(kExamples, 2);
  const TemporaryDirectory directory;
  const std::vector<JudgedExample> whole = Run().to(directory.file("whole"), examples);
  const std::string file = read_file(directory.file("whole"));
  for (std::size_t finished = 0; finished <= kExamples; ++finished) {
    INFO(finished, " finished rows");
    const std::string path = directory.file("rows" + std::to_string(finished));
    const std::size_t end = end_of_line(file, 1 + finished);
    write_file(path, file.substr(0, finished < kExamples ? end + 7 : end));  // and a part of the next
    Run run;
    test::check_same(run.to(path, examples), whole);
    CHECK(read_file(path) == file);
    CHECK(run.progress.back().resumed == finished);
    // A window that was finished is not asked about again; one that was begun is, as a whole.
    std::size_t asked = 0;
    for (const std::vector<Request>& call : run.recorder.calls) {
      asked += call.size();
    }
    CHECK(asked >= kExamples - finished);
    CHECK((finished < kExamples || asked == 0));
  }
}

TEST_CASE("without a file the verdicts are the same") {
  const std::vector<Example> examples = test::random_examples(kExamples, 2);
  const TemporaryDirectory directory;
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  const Judge judge = make_judge("endorm", {engine, cache});
  test::check_same(run_judge(examples, *judge.scorer, {}, nullptr, {}, {}), Run().to(directory.file("rows"), examples));
}

TEST_CASE("finished rows of other examples are refused, and the file is left as it was") {
  const std::vector<Example> examples = test::random_examples(kExamples, 3);
  const TemporaryDirectory directory;
  const std::string path = directory.file("rows");
  Run().to(path, examples);
  const std::string file = read_file(path);
  std::vector<Example> changed = examples;
  changed[17].request.key = "another";
  CHECK(contains(message_of<InvalidInput>([&] { Run().to(path, changed); }), "the input changed"));
  const std::vector<Example> fewer(examples.begin(), examples.end() - 1);
  CHECK(contains(message_of<InvalidInput>([&] { Run().to(path, fewer); }), "60 finished rows"));
  CHECK(read_file(path) == file);
  // More examples behind the finished ones are no change of them.
  std::vector<Example> more = examples;
  more.push_back(test::example_of("more", "[0]", {"[1]", "[2]"}, {{0, 1}}));
  CHECK(Run().to(path, more).size() == kExamples + 1);
}

TEST_CASE("a file that cannot be read, or holds other rows, is refused") {
  const TemporaryDirectory directory;
  CHECK(contains(message_of<InvalidInput>([&] { read_judged_rows(directory.file("none")); }), "none"));
  write_file(directory.file("bad"), kManifest + "\n{\"id\": \"a\", \"key\": \"b\"}\n");
  CHECK(contains(message_of<InvalidInput>([&] { read_judged_rows(directory.file("bad")); }), "\"subset\""));
}

// Fails for good at the n-th call.
class Failing final : public Scorer {
 public:
  Failing(Scorer& scorer, std::size_t calls) : scorer_(scorer), calls_(calls) {}
  std::vector<Scored> score(std::span<const Request> requests) override {
    if (calls_-- == 0) {
      throw EngineError("the model is gone");
    }
    return scorer_.score(requests);
  }

 private:
  Scorer& scorer_;
  std::size_t calls_;
};

TEST_CASE("what was judged before the model failed is kept") {
  const std::vector<Example> examples = test::random_examples(kExamples, 4);
  const TemporaryDirectory directory;
  const std::vector<JudgedExample> whole = Run().to(directory.file("whole"), examples);
  const std::string path = directory.file("rows");
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  const Judge judge = make_judge("endorm", {engine, cache});
  Failing failing(*judge.scorer, 2);
  {
    ResultLog log = ResultLog::open(path, kManifest, ResultMode::kResume);
    CHECK_THROWS_AS(run_judge(examples, failing, {}, &log, {}, {}), EngineError);
  }
  const std::vector<JudgedExample> kept = read_judged_rows(path);
  CHECK(!kept.empty());
  CHECK(kept.size() < kExamples);
  test::check_same(Run().to(path, examples), whole);
  CHECK(read_file(path) == read_file(directory.file("whole")));
}

TEST_CASE("failures are counted: pairs where there are pairs, responses elsewhere") {
  const TemporaryDirectory directory;
  Run run;
  run.to(directory.file("rows"), {test::example_of("a", "[0]", {"[1]", "", "[2]"}, {{0, 1}, {1, 2}, {0, 2}}),
                                  test::example_of("b", "[0]", {"", "[2]"}, {})});
  CHECK(run.progress.back().failures == 3);
}

TEST_CASE("shards are dealt in turn") {
  const std::vector<Example> examples = test::random_examples(10, 5);
  std::vector<std::string> dealt(examples.size());
  for (std::size_t index = 1; index <= 3; ++index) {
    const std::vector<Example> own = of_shard(examples, {index, 3});
    CHECK(own.size() == (index == 1 ? 4 : 3));
    for (std::size_t i = 0; i < own.size(); ++i) {
      dealt.at(index - 1 + 3 * i) = own[i].request.id;
    }
  }
  for (std::size_t i = 0; i < examples.size(); ++i) {
    CHECK(dealt[i] == examples[i].request.id);
  }
  CHECK(of_shard(examples, {}).size() == 10);
  CHECK(of_shard(examples, {12, 12}).empty());
}

}  // namespace
}  // namespace endorm
