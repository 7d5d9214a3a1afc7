// The bytes against TensorBoard's own writer: tests/golden/train_events.py made the file.
#include "train/event_file.h"

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "tests/paths.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

TEST_CASE("an event file has the bytes that TensorBoard's own writer gives") {
  const TemporaryDirectory folder;
  std::filesystem::create_directory(folder.file("events"));
  EventFile file(folder.file("events"), 3, 1700000000.5);
  CHECK(file.path() == folder.file("events/events.out.tfevents.1700000000.000"));
  const std::vector<Metric> first = {{"loss", 2.5}, {"reward/endogenous", -0.1}, {"kl", 0.0}};
  const std::vector<Metric> second = {{"loss", 1e-3}, {"Entropie \xC3\xA4", 123456.789}};
  file.step(3, first, 1700000001.25);
  file.step(300, second, 1700000002.5);
  CHECK(read_file(file.path()) == read_file(source_path("tests/golden/train_events.tfevents")));
}

TEST_CASE("files of the same second stand in the order in which they were made") {
  const TemporaryDirectory folder;
  std::filesystem::create_directory(folder.file("events"));
  const EventFile first(folder.file("events"), 1, 1700000000.0);
  const EventFile second(folder.file("events"), 1, 1700000000.9);
  CHECK(first.path() < second.path());
}

TEST_CASE("a number beyond the range of float becomes infinite") {
  const TemporaryDirectory folder;
  std::filesystem::create_directory(folder.file("events"));
  const auto bytes_of = [&](double value) {
    EventFile file(folder.file("events"), 1, 1700000000.0);
    const std::vector<Metric> metrics = {{"loss", value}};
    file.step(1, metrics, 1700000000.0);
    return read_file(file.path());
  };
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK(bytes_of(1e300) == bytes_of(infinite));
  CHECK(bytes_of(-1e300) == bytes_of(-infinite));
  CHECK(bytes_of(3e38) != bytes_of(infinite));
}

TEST_CASE("a directory that is not there is said") {
  const TemporaryDirectory folder;
  CHECK(contains(message_of<EngineError>([&] { const EventFile file(folder.file("none"), 1, 1700000000.0); }),
                 "cannot be created"));
}

}  // namespace
}  // namespace endorm
