#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/errors.h"
#include "core/random.h"
#include "tests/score/tabular_run.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using nlohmann::json;

// The manifest without what may differ between runs, and the bytes of the rows.
std::pair<json, std::string> content_of(const std::string& path) {
  const std::string bytes = read_file(path);
  const std::size_t end = bytes.find('\n');
  REQUIRE(end != std::string::npos);
  json manifest = json::parse(bytes.substr(0, end));
  manifest["manifest"].erase("run");
  return {manifest, bytes.substr(end)};
}

// Runs in a child, which is gone without clean-up afterwards: 0 where the run ended, 1 where it threw EngineError with
// `part` in its message, 2 for anything else.
pid_t start(const RunSetup& setup, const char* part = "") {
  const pid_t child = ::fork();
  if (child == 0) {
    int status = 2;
    try {
      run(setup);
      status = 0;
    } catch (const EngineError& error) {
      status = contains(error.what(), part) ? 1 : 2;
    } catch (...) {
    }
    ::_exit(status);
  }
  REQUIRE(child > 0);
  return child;
}

bool was_killed(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

std::size_t lines_of(const std::string& path) {
  const std::string bytes = read_file(path);
  return static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

// A setup whose run kills its process before the n-th state that it computes.
RunSetup killed_at(RunSetup setup, std::size_t n) {
  setup.on_state = [n, calls = std::size_t{0}]() mutable {
    if (++calls == n) {
      ::raise(SIGKILL);
    }
  };
  return setup;
}

TEST_CASE("a run that is killed at random moments and resumed gives the file of one that was not") {
  const std::uint64_t seed = 20250623;
  INFO("seed ", seed);
  RandomStream random(seed);
  const TemporaryDirectory directory;
  write_file(directory.file("in"), random_records(300, seed) + "{\"id\":\"bad\"}\n" + random_records(100, seed + 1));
  RunSetup setup{directory.file("in"), directory.file("whole")};
  std::size_t states = 0;
  setup.on_state = [&] { ++states; };
  const auto began = std::chrono::steady_clock::now();
  run(setup);
  const auto duration = std::chrono::steady_clock::now() - began;
  setup.on_state = {};
  const auto whole = content_of(setup.output);
  REQUIRE(lines_of(setup.output) == 402);
  std::size_t resumed_rows = 0;
  for (int trial = 0; trial < 20; ++trial) {
    setup.output = directory.file("out" + std::to_string(trial));
    setup.started = "first of trial " + std::to_string(trial);
    // Half are killed at a random state, half by the clock: while rows are written, a file is opened, or at the end.
    const std::size_t moment = 1 + random.below(states);
    const double share = random.uniform();
    INFO("trial ", trial, ": killed at state ", moment, " of ", states, " or after ", share, " of the run's time");
    if (trial % 2 == 0) {
      CHECK(was_killed(start(killed_at(setup, moment))));
    } else {
      const pid_t child = start(setup);
      std::this_thread::sleep_for(duration * share);
      ::kill(child, SIGKILL);
      was_killed(child);  // or it was faster than the clock
    }
    // What is there now are whole rows of the result, and possibly an unfinished one.
    std::size_t rows = lines_of(setup.output);
    rows -= rows > 0 ? 1 : 0;
    resumed_rows += rows;
    // Resumed, and killed once more in every third trial.
    setup.started = "second";
    if (trial % 3 == 0) {
      was_killed(start(killed_at(setup, 1 + random.below(moment))));
      CHECK(lines_of(setup.output) >= rows);
      setup.started = "third";
    }
    CHECK(exit_status(start(setup)) == 0);
    CHECK(content_of(setup.output) == whole);
    // Complete: once more adds nothing.
    const std::string bytes = read_file(setup.output);
    const RunSummary summary = run(setup);
    CHECK(summary.resumed == 401);
    CHECK(summary.records == 401);
    CHECK(summary.responses == 0);
    CHECK(read_file(setup.output) == bytes);
  }
  CHECK(resumed_rows > 0);  // some kills came after the first rows, so that there was something to lose
}

TEST_CASE("a last line that is half written is dropped and scored again") {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), random_records(30, 1));
  RunSetup setup{directory.file("in"), directory.file("whole")};
  run(setup);
  const std::string whole = read_file(setup.output);
  std::vector<std::size_t> ends;  // of lines, newlines included
  for (std::size_t at = whole.find('\n'); at != std::string::npos; at = whole.find('\n', at + 1)) {
    ends.push_back(at + 1);
  }
  setup.output = directory.file("out");
  for (const std::size_t rows : {0, 1, 2, 17, 29}) {
    for (const std::size_t of_next : {1, 40}) {
      INFO(rows, " rows and ", of_next, " bytes of the next");
      write_file(setup.output, whole.substr(0, ends[rows] + of_next));
      CHECK(run(setup).resumed == rows);
      CHECK(read_file(setup.output) == whole);
    }
    // A row that lacks its newline alone is not trusted either.
    write_file(setup.output, whole.substr(0, ends[rows + 1] - 1));
    CHECK(run(setup).resumed == rows);
    CHECK(read_file(setup.output) == whole);
  }
  write_file(setup.output, whole.substr(0, ends[0] / 2));  // killed within the manifest
  CHECK(run(setup).resumed == 0);
  CHECK(read_file(setup.output) == whole);
}

TEST_CASE("resuming with another option, model or input is refused by name, and the file is left as it was") {
  const TemporaryDirectory directory;
  const std::string input = random_records(20, 1);
  write_file(directory.file("in"), input);
  const RunSetup setup{directory.file("in"), directory.file("out")};
  run(setup);
  const std::string bytes = read_file(setup.output);
  const auto refusal = [](const RunSetup& changed) { return message_of<InvalidInput>([&] { run(changed); }); };

  RunSetup changed = setup;
  changed.score.alpha = 2.0;
  CHECK(contains(refusal(changed), "options.alpha"));
  changed = setup;
  changed.score.aggregate.gamma = 0.9;
  CHECK(contains(refusal(changed), "gamma"));
  changed = setup;
  changed.score.aggregate.kind = Aggregation::kSum;
  CHECK(contains(refusal(changed), "\"sum\""));
  changed = setup;
  changed.shard = {1, 2};
  CHECK(contains(refusal(changed), "options.shard"));
  changed = setup;
  changed.model = "another";
  CHECK(contains(refusal(changed), "model."));
  CHECK(contains(refusal(changed), "another"));
  changed = setup;
  changed.data_sha256 = "of another input";
  CHECK(contains(refusal(changed), "data.sha256"));
  CHECK(contains(refusal(changed), "--overwrite"));

  // As standard input, whose hash nobody knows beforehand: the records themselves tell.
  const std::size_t second = input.find('\n') + 1;
  write_file(setup.input, input.substr(second));
  CHECK(contains(refusal(setup), "row 1 of "));
  CHECK(contains(refusal(setup), "the input changed"));
  write_file(setup.input, input.substr(0, second));
  CHECK(contains(refusal(setup), "the input changed"));
  write_file(setup.input, "");
  CHECK(contains(refusal(setup), "20 finished rows and the input 0 records"));
  CHECK(read_file(setup.output) == bytes);
  // More records behind the finished ones are no change of them.
  write_file(setup.input, input + random_records(5, 2));
  CHECK(run(setup).records == 25);
  CHECK(read_file(setup.output).substr(0, bytes.size()) == bytes);
}

TEST_CASE("a full disk is an error that names the file; nothing is lost, and the run goes on where there is space") {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), random_records(100, 1));
  RunSetup setup{directory.file("in"), directory.file("whole")};
  run(setup);
  const std::string whole = read_file(setup.output);
  for (const double share : {0.05, 0.3, 0.6, 0.95}) {
    INFO("space for ", share, " of the file");
    setup.output = directory.file("out" + std::to_string(share));
    const auto limit = static_cast<rlim_t>(share * static_cast<double>(whole.size()));
    const pid_t child = ::fork();
    if (child == 0) {
      const rlimit size{limit, RLIM_INFINITY};
      ::signal(SIGXFSZ, SIG_IGN);
      int status = 2;
      if (::setrlimit(RLIMIT_FSIZE, &size) == 0) {
        try {
          run(setup);
          status = 0;
        } catch (const EngineError& error) {
          status = contains(error.what(), "cannot write " + setup.output) ? 1 : 2;
        }
      }
      ::_exit(status);
    }
    CHECK(exit_status(child) == 1);
    const std::string left = read_file(setup.output);
    CHECK(left.size() <= limit);
    CHECK(whole.starts_with(left));
    CHECK(left.ends_with("\n"));  // whole rows
    const RunSummary summary = run(setup);
    CHECK(summary.resumed + 1 == static_cast<std::size_t>(std::count(left.begin(), left.end(), '\n')));
    CHECK(read_file(setup.output) == whole);
  }
  setup.output = "/dev/full";
  CHECK(exit_status(start(setup, "cannot write /dev/full: No space left on device")) == 1);
}

}  // namespace
}  // namespace endorm
