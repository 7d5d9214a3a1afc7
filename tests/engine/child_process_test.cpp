#include "engine/child_process.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "engine/checkpoint_directory.h"
#include "engine/nameless_file.h"
#include "engine/scratch_directory.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

TEST_CASE("what a child prints comes back, and how it ended") {
  const ChildEnd end = run_child({{"sh", "-c", "echo one; echo two; exit 3"}, /*keep_output=*/true, {}});
  CHECK(end.output == "one\ntwo\n");
  CHECK(end.status == 3);
  CHECK_FALSE(end.stopped);
  // More than a pipe holds, and nothing to read.
  const ChildEnd long_one = run_child({{"sh", "-c", "cat; head -c 1000000 /dev/zero"}, /*keep_output=*/true, {}});
  CHECK(long_one.output.size() == 1000000);
  CHECK(long_one.status == 0);
}

TEST_CASE("a signal that ended a child is told") {
  const ChildEnd end = run_child({{"sh", "-c", "kill -9 $$"}, /*keep_output=*/false, {}});
  CHECK_FALSE(end.status.has_value());
  CHECK(end.signal == SIGKILL);
}

TEST_CASE("a program that is not there is an error of the world's, with its name") {
  CHECK_THROWS_WITH_AS(run_child({{"endorm-no-such-program"}, false, {}}),
                       doctest::Contains("endorm-no-such-program cannot be run: No such file"), EngineError);
}

TEST_CASE("a child that is to stop ends with all that it has started") {
  for (const bool keep_output : {false, true}) {
    CAPTURE(keep_output);
    const Clock::time_point start = Clock::now();
    // The inner shell holds the output open: were it left, reading would last as long as it sleeps.
    const ChildEnd end =
        run_child({{"sh", "-c", "sh -c 'sleep 60' & wait"}, keep_output, [&] { return seconds_since(start) > 0.3; }});
    CHECK(end.stopped);
    CHECK(end.signal == SIGTERM);
    CHECK(seconds_since(start) < 20);
  }
}

TEST_CASE("a scratch directory goes with its owner, and says where none can be made") {
  const TemporaryDirectory directory;
  std::filesystem::path path;
  {
    const ScratchDirectory scratch(directory.file(""), "work-");
    path = scratch.path();
    CHECK(path.filename().string().starts_with("work-"));
    std::ofstream(path / "file") << "x";
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_THROWS_WITH_AS(ScratchDirectory(directory.file("none"), "x"), doctest::Contains("none: No such file"),
                       EngineError);
}

TEST_CASE("a file without a name is read by its path, by a child too, from its beginning") {
  const TemporaryDirectory directory;
  const NamelessFile file(directory.file(""));
  CHECK(std::filesystem::is_empty(directory.file("")));
  std::ofstream(file.path()) << "one\ntwo\n";
  for (int time = 0; time < 2; ++time) {
    CHECK(run_child({{"cat", file.path()}, true, {}}).output == "one\ntwo\n");
  }
  CHECK_THROWS_WITH_AS(NamelessFile(directory.file("none")), doctest::Contains("none: No such file"), EngineError);
}

TEST_CASE("a directory is told by the files in it") {
  const TemporaryDirectory directory;
  CHECK(checkpoint_kind(directory.file("")) == CheckpointKind::kNone);
  std::ofstream(directory.file("config.json")) << "{}";
  CHECK(checkpoint_kind(directory.file("")) == CheckpointKind::kModel);
  std::ofstream(directory.file("adapter_config.json")) << "{}";
  CHECK(checkpoint_kind(directory.file("")) == CheckpointKind::kAdapter);
  CHECK(directory_advice(directory.file("")).find("`endorm models convert ") != std::string::npos);
}

}  // namespace
}  // namespace endorm
