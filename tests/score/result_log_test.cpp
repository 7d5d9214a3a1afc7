#include "score/result_log.h"

#include <csignal>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "score/scored_json.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

const std::string kManifest =
    R"({"manifest":{"endorm":"0.1.0","options":{"alpha":1.0,"gamma":0.93},"run":{"host":"a"}}})";

std::string key_of(std::size_t record) { return record_key("record " + std::to_string(record)); }

// Rows of uneven length, some longer than a page.
std::string row_of(std::size_t record) {
  return error_row("\"key\":\"" + std::to_string(record), record + 1, key_of(record),
                   std::string(record * 37 % 9001, 'x'));
}

// Does what a run does: checks finished rows, appends the others, a batch at a time.
void run_to_end(const std::string& path, std::size_t records, std::size_t batch) {
  ResultLog log = ResultLog::open(path, kManifest, ResultMode::kResume);
  log.check_finished_count(records);
  for (std::size_t i = 0; i < records; ++i) {
    if (i < log.finished_rows()) {
      log.check_finished(i, key_of(i));
      continue;
    }
    log.append(row_of(i));
    if (i % batch == batch - 1) {
      log.sync();
    }
  }
  log.sync();
}

std::string whole_file(std::size_t records) {
  std::string text = kManifest + "\n";
  for (std::size_t i = 0; i < records; ++i) {
    text += row_of(i) + "\n";
  }
  return text;
}

// Runs action in a child process. Returns its exit status: 0 where action throws nothing, 1 where it throws EngineError
// with `part` in its message, 2 otherwise.
template <typename Action>
int in_child(const char* part, Action action) {
  const pid_t child = ::fork();
  if (child == 0) {
    int status = 2;
    try {
      action();
      status = 0;
    } catch (const EngineError& error) {
      status = contains(error.what(), part) ? 1 : 2;
    } catch (...) {
    }
    ::_exit(status);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

template <typename Expected>
std::string open_error(const std::string& path, ResultMode mode, const std::string& manifest = kManifest) {
  return message_of<Expected>([&] { ResultLog::open(path, manifest, mode); });
}

TEST_CASE("a new file, continued, overwritten") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("out.jsonl");
  run_to_end(path, 5, 2);
  CHECK(read_file(path) == whole_file(5));
  run_to_end(path, 9, 4);
  CHECK(read_file(path) == whole_file(9));
  run_to_end(path, 9, 4);  // nothing left to do
  CHECK(read_file(path) == whole_file(9));
  {
    const ResultLog log = ResultLog::open(path, kManifest, ResultMode::kOverwrite);
    CHECK(log.finished_rows() == 0);
    CHECK(read_file(path) == kManifest + "\n");
  }
}

TEST_CASE("rows that were not synced are not in the file, and a row may not break the lines") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("out.jsonl");
  ResultLog log = ResultLog::open(path, kManifest, ResultMode::kResume);
  log.append(row_of(0));
  CHECK(read_file(path) == kManifest + "\n");
  log.sync();
  CHECK(read_file(path) == whole_file(1));
  CHECK_THROWS_AS(log.append("a\nb"), InternalError);
  CHECK_THROWS_AS(log.append(""), InternalError);
}

TEST_CASE("a file cut at any byte is continued to the same file") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("out.jsonl");
  const std::string whole = whole_file(4);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    CAPTURE(size);
    write_file(path, std::string_view(whole).substr(0, size));
    run_to_end(path, 4, 4);
    CHECK(read_file(path) == whole);
  }
}

TEST_CASE("a cut row is said, and so is a last line that is no row") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("out.jsonl");
  for (const std::string tail : {"{\"id\"", "{\"id\":\"x\",\"key\":\"012345678", "{}\n", "garbage\n",
                                 "{\"id\":\"x\",\"key\":\"0123456789abcdeg\"}\n", "\n"}) {
    CAPTURE(tail);
    write_file(path, whole_file(3) + tail);
    const ResultLog log = ResultLog::open(path, kManifest, ResultMode::kResume);
    CHECK(log.finished_rows() == 3);
    REQUIRE(log.notices().size() == 1);
    CHECK(contains(log.notices()[0], "of " + std::to_string(tail.size()) + " bytes was cut off after 3 finished rows"));
    CHECK(read_file(path) == whole_file(3));
  }
}

TEST_CASE("files that are not ours or are damaged inside stay as they are") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("out.jsonl");
  const std::string damaged = kManifest + "\n" + row_of(0) + "\n{\"id\":\n" + row_of(1) + "\n";
  struct Case {
    std::string bytes;
    const char* error;
  };
  const Case cases[] = {
      {"notes of mine", "is not a result file"},
      {"{\"id\":1}\n", "is not a result file"},
      {std::string(100, '\0'), "is not a result file"},
      {"{\"manifest\":{}} x\n", "is damaged"},
      {"{\"manifest\":" + std::string(100'000, '[') + "\n", "is damaged"},
      {damaged, "after 1 good rows. To keep these run: truncate -s "},
  };
  for (const Case& bad : cases) {
    write_file(path, bad.bytes);
    const std::string message = open_error<InvalidInput>(path, ResultMode::kResume);
    CAPTURE(message);
    CHECK(contains(message, bad.error));
    CHECK(read_file(path) == bad.bytes);
  }
}

TEST_CASE("the manifest decides whether a run may be resumed") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("out.jsonl");
  run_to_end(path, 2, 1);
  const auto with = [](const std::string& options, const std::string& rest) {
    return R"({"manifest":{"endorm":"0.1.0","options":)" + options + rest + "}}";
  };
  const std::string same = R"({"gamma":0.93,"alpha":1.0})";  // order of fields does not count
  CHECK(open_error<InvalidInput>(path, ResultMode::kResume, with(same, R"(,"run":{"host":"b"})")).empty());
  CHECK(open_error<InvalidInput>(path, ResultMode::kResume, with(same, "")).empty());
  CHECK(contains(open_error<InvalidInput>(path, ResultMode::kResume, with(R"({"alpha":1.0,"gamma":0.9})", "")),
                 "manifest.options.gamma is 0.93 there and 0.9 now"));
  CHECK(contains(open_error<InvalidInput>(path, ResultMode::kResume, with(R"({"alpha":1.0})", "")),
                 "manifest.options.gamma is 0.93 there and absent now"));
  CHECK(contains(open_error<InvalidInput>(path, ResultMode::kResume, with(same, R"(,"data":null)")),
                 "manifest.data is absent there and null now"));
  CHECK(read_file(path) == whole_file(2));
}

TEST_CASE("a changed input is noticed") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("out.jsonl");
  run_to_end(path, 3, 1);
  const ResultLog log = ResultLog::open(path, kManifest, ResultMode::kResume);
  log.check_finished(2, key_of(2));
  CHECK(contains(message_of<InvalidInput>([&] { log.check_finished(1, key_of(2)); }), "row 2 of "));
  CHECK(contains(message_of<InvalidInput>([&] { log.check_finished(1, "short"); }), "the input changed since"));
  CHECK_THROWS_AS(log.check_finished(3, key_of(3)), InternalError);
  log.check_finished_count(3);
  CHECK(
      contains(message_of<InvalidInput>([&] { log.check_finished_count(2); }), "has 3 finished rows and the input 2"));
}

TEST_CASE("two runs cannot write one file") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("out.jsonl");
  std::optional<ResultLog> first(ResultLog::open(path, kManifest, ResultMode::kResume));
  for (const ResultMode mode : {ResultMode::kResume, ResultMode::kOverwrite}) {
    CHECK(contains(open_error<InvalidInput>(path, mode), "is being written by another run"));
  }
  first.reset();
  CHECK(open_error<InvalidInput>(path, ResultMode::kResume).empty());
}

TEST_CASE("paths that cannot be written") {
  const TemporaryDirectory directory;
  CHECK(contains(open_error<InvalidInput>(directory.file(""), ResultMode::kResume), "is a directory"));
  CHECK(contains(open_error<InvalidInput>(directory.file("absent/out"), ResultMode::kResume), "No such file"));
  write_file(directory.file("file"), "");
  CHECK(contains(open_error<InvalidInput>(directory.file("file/out"), ResultMode::kResume), "Not a directory"));
  if (::geteuid() != 0) {
    write_file(directory.file("read_only"), "");
    std::filesystem::permissions(directory.file("read_only"), std::filesystem::perms::owner_read);
    CHECK(contains(open_error<InvalidInput>(directory.file("read_only"), ResultMode::kResume), "Permission denied"));
  }
  CHECK(open_error<Error>("/dev/null", ResultMode::kResume).empty());
}

TEST_CASE("a full device is the world's error") {
  CHECK(contains(open_error<EngineError>("/dev/full", ResultMode::kResume),
                 "cannot write /dev/full: No space left on device"));
}

TEST_CASE("a disk that fills up loses nothing: what was synced stays, and the run goes on from there") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("out.jsonl");
  constexpr std::size_t kRecords = 60;
  const std::string whole = whole_file(kRecords);
  for (const std::size_t limit : {10UL, kManifest.size() + 1, whole.size() / 3, whole.size() / 2, whole.size() - 1}) {
    CAPTURE(limit);
    std::filesystem::remove(path);
    CHECK(in_child("File too large. Free space", [&] {
            std::signal(SIGXFSZ, SIG_IGN);
            const rlimit size{limit, limit};
            ::setrlimit(RLIMIT_FSIZE, &size);
            run_to_end(path, kRecords, 7);
          }) == 1);
    const std::string kept = read_file(path);
    CHECK(kept.size() <= limit);
    CHECK(whole.starts_with(kept));
    CHECK((kept.empty() || kept.back() == '\n'));  // the torn tail is gone
    run_to_end(path, kRecords, 7);
    CHECK(read_file(path) == whole);
  }
}

TEST_CASE("killed at random moments, the finished file is that of an uninterrupted run") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const TemporaryDirectory directory;
  const std::string path = directory.file("out.jsonl");
  constexpr std::size_t kRecords = 2000;
  constexpr std::size_t kBatches[] = {1, 7, 64, 200};
  int killed = 0;
  for (int kill = 0; kill < 20; ++kill) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        run_to_end(path, kRecords, kBatches[kill % 4]);
      } catch (...) {
        ::_exit(2);
      }
      ::_exit(0);
    }
    ::usleep(std::uniform_int_distribution<useconds_t>(0, 20'000)(random));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    const bool interrupted = WIFSIGNALED(status);
    CHECK((interrupted || WEXITSTATUS(status) == 0));
    killed += interrupted ? 1 : 0;
  }
  MESSAGE("killed " << killed << " of 20 runs, seed " << seed);
  CHECK(killed > 0);
  run_to_end(path, kRecords, 100);
  CHECK(read_file(path) == whole_file(kRecords));
}

TEST_CASE("a stream carries the same lines, and a reader that goes away is an error") {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  {
    ResultLog log = ResultLog::stream(ends[1], "standard output", kManifest);
    CHECK(log.finished_rows() == 0);
    log.append(row_of(0));
    log.append(row_of(1));
    log.sync();
    std::string text(whole_file(2).size() + 10, '\0');
    const ssize_t count = ::read(ends[0], text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    CHECK(text == whole_file(2));
    ::close(ends[0]);
    log.append(row_of(2));
    CHECK(contains(message_of<EngineError>([&] { log.sync(); }), "cannot write standard output: Broken pipe"));
  }
  CHECK(::close(ends[1]) == 0);  // it stayed ours
  std::signal(SIGPIPE, before);
}

}  // namespace
}  // namespace endorm
