// Samples drawn: seeds, resume, shards, what cannot be asked.
#include "eval/math_sampling.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/llama/llama_engine.h"
#include "engine/tabular_engine.h"
#include "eval/benchmarks.h"
#include "eval/best_of_record.h"
#include "tests/eval/best_of_examples.h"
#include "tests/judge/byte_engine.h"
#include "tests/paths.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

const std::string kManifest = R"({"manifest": {"samples": "test"}})";

// Questions in the tabular engine's text form, of one to three tokens.
std::vector<Example> tabular_problems(std::size_t count) {
  std::vector<Example> problems;
  for (std::size_t i = 0; i < count; ++i) {
    std::string question;
    for (std::size_t t = 0; t <= i % 3; ++t) {
      question += "[" + std::to_string((i + t) % 4) + "]";
    }
    problems.push_back(test::problem_of(std::to_string(i), question, "5"));
  }
  return problems;
}

TabularEngine tabular_engine(std::size_t context = 0) {
  TabularOptions options;
  options.end_of_turn = true;
  options.context = context;
  return TabularEngine(
      5, [](std::span<const Token> path) { return random_row(1, path, 5, 1.5); }, options);
}

MathSamplingOptions few_samples() {
  MathSamplingOptions options;
  options.prompt.instruction = "";
  options.samples = 3;
  options.sampling.max_tokens = 6;
  return options;
}

std::vector<Example> sampled(const std::vector<Example>& problems, const MathSamplingOptions& options,
                             const std::string& path = "", MathSamplingProgress* last = nullptr) {
  TabularEngine engine = tabular_engine();
  std::optional<ResultLog> log;
  std::vector<Example> finished;
  if (!path.empty()) {
    log.emplace(ResultLog::open(path, kManifest, ResultMode::kResume));
    finished = read_samples(path);
  }
  return draw_samples(problems, engine, options, log ? &*log : nullptr, std::move(finished),
                      [&](const MathSamplingProgress& so_far) {
                        if (last != nullptr) {
                          *last = so_far;
                        }
                      });
}

// A record as its line in the file, but for the key, which is of the samples once they are drawn.
std::string line_of(const Example& row) {
  nlohmann::ordered_json record = best_of_record(row);
  record.erase("key");
  return record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::vector<std::string> texts_of(const Example& row) {
  std::vector<std::string> texts;
  for (const RequestResponse& response : row.request.responses) {
    texts.push_back(response.text.text);
  }
  return texts;
}

std::vector<std::string> lines(const std::vector<Example>& rows) {
  std::vector<std::string> lines;
  for (const Example& row : rows) {
    lines.push_back(line_of(row));
  }
  return lines;
}

TEST_CASE("a sample depends on the seed, the problem and its number, and on nothing that is asked beside it") {
  const std::vector<Example> problems = tabular_problems(12);
  const MathSamplingOptions options = few_samples();
  const std::vector<Example> whole = sampled(problems, options);
  REQUIRE(whole.size() == 12);
  std::map<std::string, std::string> by_id;
  for (const Example& row : whole) {
    CHECK(row.request.responses.size() == 3);
    by_id[row.request.id] = line_of(row);
  }
  std::vector<Example> reversed(problems.rbegin(), problems.rend());
  for (const Example& row : sampled(reversed, options)) {
    CHECK(line_of(row) == by_id[row.request.id]);
  }
  // More samples leave the first ones as they are.
  MathSamplingOptions more = options;
  more.samples = 5;
  const std::vector<Example> longer = sampled(problems, more);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(longer[i].request.responses[k].text.text == whole[i].request.responses[k].text.text);
    }
  }
  // The samples of a problem differ, and so do those of another seed.
  std::set<std::string> texts;
  for (const RequestResponse& sample : longer[1].request.responses) {
    texts.insert(sample.text.text);
  }
  CHECK(texts.size() > 1);
  MathSamplingOptions other = options;
  other.seed = 1;
  CHECK(lines(sampled(problems, other)) != lines(whole));
  // The same question under another id is drawn anew.
  std::vector<Example> twins = {problems[1], problems[1]};
  twins[1].request.id += "b";
  const std::vector<Example> twin_rows = sampled(twins, more);
  CHECK(line_of(twin_rows[0]) == line_of(longer[1]));
  CHECK(texts_of(twin_rows[0]) != texts_of(twin_rows[1]));
}

TEST_CASE("a run goes on from any number of finished rows, whole or not: the same rows, the same file") {
  const std::vector<Example> problems = tabular_problems(10);
  const TemporaryDirectory directory;
  MathSamplingProgress last;
  const std::vector<Example> whole = sampled(problems, few_samples(), directory.file("whole"), &last);
  CHECK(last.samples == 30);
  CHECK(last.resumed == 0);
  const std::string file = read_file(directory.file("whole"));
  std::size_t end = file.find('\n') + 1;
  for (std::size_t finished = 0; finished <= problems.size(); ++finished) {
    CAPTURE(finished);
    const std::string path = directory.file("rows" + std::to_string(finished));
    write_file(path, file.substr(0, finished < problems.size() ? end + 9 : end));
    CHECK(lines(sampled(problems, few_samples(), path, &last)) == lines(whole));
    CHECK(read_file(path) == file);
    CHECK(last.resumed == 3 * finished);
    CHECK(last.samples == 30);
    end = file.find('\n', end) + 1;
  }
}

// Ends its turn out of order and fails after some completions.
class Failing final : public TabularEngine {
 public:
  Failing(std::size_t completions)
      : TabularEngine(5, [](std::span<const Token> path) { return random_row(1, path, 5, 1.5); },
                      {.end_of_turn = true}),
        left_(completions) {}

 private:
  void generate_each(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                     const CompletionSink& sink) override {
    // Every second problem's samples first: rows before them are not whole yet.
    std::vector<std::size_t> order(requests.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    std::stable_sort(order.begin(), order.end(),
                     [](std::size_t a, std::size_t b) { return (a / 3) % 2 > (b / 3) % 2; });
    TabularEngine engine = tabular_engine();
    for (const std::size_t i : order) {
      if (left_-- == 0) {
        throw EngineError("the model is gone");
      }
      engine.generate(requests.subspan(i, 1), options,
                      [&](std::size_t, Completion completion) { sink(i, std::move(completion)); });
    }
  }

  std::size_t left_;
};

TEST_CASE("rows are written in order as soon as they can be, and kept when the model fails") {
  const std::vector<Example> problems = tabular_problems(10);
  const TemporaryDirectory directory;
  const std::vector<Example> whole = sampled(problems, few_samples(), directory.file("whole"));
  const std::string path = directory.file("rows");
  {
    Failing engine(15 + 4);  // problems 1, 3, 5, 7, 9; then 0, and one sample of 2
    ResultLog log = ResultLog::open(path, kManifest, ResultMode::kResume);
    CHECK_THROWS_AS(draw_samples(problems, engine, few_samples(), &log, {}, {}), EngineError);
  }
  CHECK(read_samples(path).size() == 2);  // 0 and 1: 2 is not whole
  CHECK(lines(sampled(problems, few_samples(), path)) == lines(whole));
  CHECK(read_file(path) == read_file(directory.file("whole")));
}

TEST_CASE("shards are dealt in turn and hold what the whole holds") {
  const std::vector<Example> problems = tabular_problems(7);
  const std::vector<std::string> whole = lines(sampled(problems, few_samples()));
  std::size_t seen = 0;
  for (std::size_t index = 1; index <= 3; ++index) {
    const std::vector<Example> own = of_shard(problems, {index, 3});
    const std::vector<std::string> part = lines(sampled(own, few_samples()));
    for (std::size_t i = 0; i < part.size(); ++i, ++seen) {
      CHECK(part[i] == whole.at(index - 1 + 3 * i));
    }
  }
  CHECK(seen == 7);
  CHECK(of_shard(problems, {8, 8}).empty());
}

TEST_CASE("finished rows of other problems, or with another number of samples, are refused; another grading is not") {
  const std::vector<Example> problems = tabular_problems(4);
  const TemporaryDirectory directory;
  const std::string path = directory.file("rows");
  sampled(problems, few_samples(), path);
  std::vector<Example> changed = problems;
  changed[2].request.key = "0123456789abcdef";
  CHECK(contains(message_of<InvalidInput>([&] { sampled(changed, few_samples(), path); }), "the input changed"));
  MathSamplingOptions more = few_samples();
  more.samples = 4;
  CHECK(contains(message_of<InvalidInput>([&] { sampled(problems, more, path); }), "has 3 samples, 4 are asked for"));
  // A verdict that an earlier grader gave is not taken over.
  std::string file = read_file(path);
  const std::size_t verdict = file.find("\"correct\":[false");
  REQUIRE(verdict != std::string::npos);
  file.replace(verdict, 16, "\"correct\":[true");
  write_file(path, file);
  for (const Example& row : sampled(problems, few_samples(), path)) {
    CHECK(row.correct == std::vector<bool>(3, false));
  }
}

TEST_CASE("what cannot be asked is a row with the reason; the others are asked") {
  std::vector<Example> problems = tabular_problems(4);
  problems[0].request.messages[0].content = "";                       // no tokens
  problems[2].request.messages[0].content = "words";                  // not the engine's text form
  problems[3].request.messages[0].content = "[0][1][2][3][0][1][2]";  // 7 + 6 > 12
  TabularEngine engine = tabular_engine(12);
  MathSamplingProgress last;
  const std::vector<Example> rows = draw_samples(problems, engine, few_samples(), nullptr, {},
                                                 [&](const MathSamplingProgress& so_far) { last = so_far; });
  CHECK(contains(rows[0].drawn->error, "no tokens"));
  CHECK(rows[1].drawn->error.empty());
  CHECK(rows[1].request.responses.size() == 3);
  CHECK(!rows[2].drawn->error.empty());
  CHECK(contains(rows[3].drawn->error, "7 tokens and --max-tokens is 6: together more than the 12"));
  CHECK(rows[3].request.responses.empty());
  CHECK(last.samples == 12);
  CHECK(last.failed == 9);
  CHECK(last.drawn == 3);
}

TEST_CASE("all failed: rows with reasons, no call of the engine") {
  std::vector<Example> problems = tabular_problems(2);
  for (Example& problem : problems) {
    problem.request.messages[0].content = "words";
  }
  for (const Example& row : sampled(problems, few_samples())) {
    CHECK(!row.drawn->error.empty());
  }
}

TEST_CASE("stop strings, lengths and ends are what the engine says") {
  MathSamplingOptions options = few_samples();
  options.samples = 40;
  options.sampling.stop = {"[3]"};
  std::set<CompletionEnd> ends;
  for (const Example& row : sampled(tabular_problems(3), options)) {
    for (std::size_t k = 0; k < row.request.responses.size(); ++k) {
      const CompletionEnd end = row.drawn->ends[k];
      ends.insert(end);
      CHECK(!contains(row.request.responses[k].text.text, "[3]"));
      CHECK((end == CompletionEnd::kLength) == (row.drawn->tokens[k] == 6 && end != CompletionEnd::kStop));
      CHECK(row.request.responses[k].text.truncated == (end != CompletionEnd::kEndOfTurn));
    }
  }
  CHECK(ends.size() == 3);
}

TEST_CASE("the model is asked the conversation, and what it writes is graded") {
  std::vector<std::string> asked;
  ByteEngine engine([&](const std::string& question, const GenerationRequest&, const SamplingOptions&) {
    asked.push_back(question);
    return std::string(" It is \\boxed{5}.");
  });
  MathSamplingOptions options;
  options.samples = 1;
  options.prompt.place = InstructionPlace::kSystem;
  options.prompt.shots = {{"1 + 1?", "2"}};
  std::vector<Example> rows =
      draw_samples(std::vector{test::problem_of("1", "2 + 3?", "5")}, engine, options, nullptr, {}, {});
  REQUIRE(asked.size() == 1);
  CHECK(asked[0] == "<system>" + std::string(kMathInstruction) + "<user>1 + 1?<assistant>2<user>2 + 3?<assistant>");
  CHECK(rows[0].request.responses[0].text.text == " It is \\boxed{5}.");
  CHECK(rows[0].correct[0]);
  options.prompt.base = true;  // the space belongs to the form
  rows = draw_samples(std::vector{test::problem_of("1", "2 + 3?", "5")}, engine, options, nullptr, {}, {});
  CHECK(rows[0].request.responses[0].text.text == "It is \\boxed{5}.");
}

TEST_CASE("what cannot be is refused") {
  MathSamplingOptions none = few_samples();
  none.samples = 0;
  CHECK_THROWS_AS(sampled(tabular_problems(1), none), InvalidInput);
  ByteEngine mute(nullptr);
  CHECK(contains(
      message_of<InvalidInput>([&] { draw_samples(tabular_problems(1), mute, few_samples(), nullptr, {}, {}); }),
      "it was given no script"));
}

TEST_CASE("a real model: the same samples twice, and with a smaller number of problems") {
  LlamaEngineOptions model;
  model.model_path = source_path("tests/golden/engine_tiny_llama.gguf");
  model.template_source = TemplateSource::kPlain;
  model.precision = Precision::kNative;
  model.cache_type = CacheType::kF32;
  model.threads = 1;
  const auto engine = make_llama_engine(model);
  MathSamplingOptions options;
  options.prompt.base = true;
  options.prompt.instruction = "";
  options.samples = 4;
  options.sampling.max_tokens = 8;
  std::vector<Example> problems;
  for (int i = 0; i < 5; ++i) {
    problems.push_back(test::problem_of(std::to_string(i), "a b " + std::to_string(i), "5"));
  }
  const std::vector<std::string> first = lines(draw_samples(problems, *engine, options, nullptr, {}, {}));
  CHECK(lines(draw_samples(problems, *engine, options, nullptr, {}, {})) == first);
  std::set<std::string> texts;
  for (const Example& row : draw_samples(problems, *engine, options, nullptr, {}, {})) {
    for (const std::size_t tokens : row.drawn->tokens) {
      CHECK(tokens <= 8);
    }
    for (const std::string& text : texts_of(row)) {
      texts.insert(text);
    }
  }
  CHECK(texts.size() > 10);
}

TEST_CASE("samples are a benchmark's records: bench reads their file as it is") {
  const std::vector<Example> problems = tabular_problems(5);
  const TemporaryDirectory directory;
  std::vector<Example> drawn = sampled(problems, few_samples(), directory.file("rows.jsonl"));
  const DataSet data = read_benchmark("bestof", directory.file("rows.jsonl"));
  REQUIRE(data.examples.size() == 5);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const Example& own = data.examples[i];
    CHECK(own.request.id == drawn[i].request.id);
    CHECK(own.subset == "s");
    REQUIRE(own.request.responses.size() == 3);
    for (std::size_t k = 0; k < 3; ++k) {  // they stand in another order, with all that is known of them
      const auto place = static_cast<std::size_t>(
          std::find_if(drawn[i].request.responses.begin(), drawn[i].request.responses.end(),
                       [&](const RequestResponse& response) { return response.ids == own.request.responses[k].ids; }) -
          drawn[i].request.responses.begin());
      REQUIRE(place < 3);
      CHECK(own.request.responses[k].text.text == drawn[i].request.responses[place].text.text);
      CHECK(own.request.responses[k].text.truncated == drawn[i].request.responses[place].text.truncated);
      CHECK(own.correct[k] == drawn[i].correct[place]);
      CHECK(own.vote[k].has_value() == drawn[i].vote[place].has_value());
      CHECK(own.drawn->answers[k] == drawn[i].drawn->answers[place]);
      CHECK(own.drawn->tokens[k] == drawn[i].drawn->tokens[place]);
    }
  }
}

TEST_CASE("the key of samples is of the problem, the texts and their ends, and not of the verdicts") {
  const std::vector<Example> problems = tabular_problems(2);
  const std::vector<Example> first = sampled(problems, few_samples());
  std::vector<Example> other = problems;
  other[0].drawn->reference = "6";  // with the same key
  CHECK(sampled(other, few_samples())[0].request.key == first[0].request.key);
  other[0].request.key = record_key("another");
  CHECK(sampled(other, few_samples())[0].request.key != first[0].request.key);
  MathSamplingOptions seeded = few_samples();
  seeded.seed = 7;
  CHECK(sampled(problems, seeded)[1].request.key != first[1].request.key);
}

}  // namespace
}  // namespace endorm
