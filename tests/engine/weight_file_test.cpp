#include "engine/weights/weight_file.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/random.h"
#include "tests/engine/golden_sequences.h"
#include "tests/temporary_directory.h"

// Against gguf-py: tests/golden/weight_file.py.
namespace endorm {
namespace {

using nlohmann::json;
using Shape = std::vector<std::int64_t>;

constexpr std::uint64_t kSeed = 20261126;

TEST_CASE("weights of every type are the numbers that gguf-py reads") {
  const json golden = read_golden("weight_file.json");
  const WeightFile file(golden_path("weight_file.gguf"));
  REQUIRE(golden.at("tensors").size() == 25);
  for (const auto& entry : golden.at("tensors").items()) {
    const std::string& name = entry.key();
    const json& expected = entry.value();
    CAPTURE(name);
    CHECK(file.has(name));
    CHECK(file.shape(name) == Shape{2, 256});
    const std::vector<float> values = file.values(name);
    REQUIRE(values.size() == expected.size());
    double worst = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto number = expected[i].get<float>();
      worst = worse(worst, std::abs(static_cast<double>(values[i]) - number) / std::max(1.0F, std::abs(number)));
    }
    CHECK(worst <= 1e-6);
  }
  CHECK(file.names().size() == 27);
  CHECK(file.names().front() == "f32");
  CHECK(file.shape("cube") == Shape{2, 3, 4});
  CHECK(file.values("cube")[23] == 23.0F);
}

TEST_CASE("metadata of every type is read, and only as what it is") {
  const WeightFile file(golden_path("weight_file.gguf"));
  CHECK(file.architecture() == "llama");
  CHECK(file.integer("number.u8") == 200);
  CHECK(file.integer("number.u16") == 60000);
  CHECK(file.integer("number.i16") == 1234);
  CHECK(file.integer("number.u32") == 4000000000);
  CHECK(file.integer("number.u64") == (std::uint64_t{1} << 63) + 1);
  CHECK(file.integer("number.i64") == std::uint64_t{1} << 40);
  CHECK(file.integer("number.bool") == 1);
  CHECK(file.real("number.i8") == -5.0);
  CHECK(file.real("number.i32") == -70000.0);
  CHECK(file.real("number.u32") == 4e9);
  CHECK(file.real("number.f32") == static_cast<double>(0.1F));
  CHECK(file.real("number.f64") == 0.1);
  CHECK(file.text("words") == "gr\xC3\xBC\xC3\x9F\x65 \xF0\x9F\x98\x80");
  CHECK(file.integers("array.u32") == std::vector<std::uint64_t>{3, 1, 2});
  CHECK(file.integers("array.bool") == std::vector<std::uint64_t>{1, 0, 1, 1});
  CHECK(file.integers("number.u8") == std::vector<std::uint64_t>{200});

  CHECK(!file.integer("absent"));
  CHECK(!file.real("absent"));
  CHECK(!file.text("absent"));
  CHECK(file.integers("absent").empty());

  for (const char* key : {"number.i8", "number.i32", "number.f32", "words", "array.u32"}) {
    CAPTURE(key);
    CHECK(contains(message_of<InvalidInput>([&] { file.integer(key); }), key));
  }
  for (const char* key : {"number.bool", "words", "array.u32"}) {
    CAPTURE(key);
    CHECK(contains(message_of<InvalidInput>([&] { file.real(key); }), "not as a number"));
  }
  CHECK_THROWS_AS(file.text("number.u8"), InvalidInput);
  CHECK_THROWS_AS(file.integers("array.i32"), InvalidInput);
  CHECK_THROWS_AS(file.integers("array.text"), InvalidInput);
}

TEST_CASE("a tensor that is absent or no weights is refused by name") {
  const WeightFile file(golden_path("weight_file.gguf"));
  CHECK(!file.has("absent"));
  CHECK(contains(message_of<InvalidInput>([&] { file.shape("absent"); }), "no tensor absent"));
  CHECK(contains(message_of<InvalidInput>([&] { file.values("absent"); }), "no tensor absent"));
  CHECK(contains(message_of<InvalidInput>([&] { file.values("whole"); }), "whole as i32"));
}

TEST_CASE("what is no whole GGUF file is refused with its path") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  const auto refusal = [&] { return message_of<InvalidInput>([&] { WeightFile{path}; }); };
  CHECK(contains(refusal(), path + " cannot be opened"));
  std::filesystem::create_directory(path);
  CHECK(contains(refusal(), path + " is no regular file"));
  std::filesystem::remove(path);
  write_file(path, "");
  CHECK(contains(refusal(), path + " is damaged"));
  write_file(path, "Once upon a time there was a language model.\n");
  CHECK(contains(refusal(), path + " is damaged"));

  const std::string good = read_file(golden_path("weight_file.gguf"));
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int i = 0; i < 50; ++i) {
    const std::size_t size = random.below(good.size() - 64);  // the last tensor is padded to 64 bytes
    CAPTURE(size);
    write_file(path, good.substr(0, size));
    CHECK(contains(refusal(), path));
  }
}

TEST_CASE("a file with a wrong byte in its header is read or refused") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  const std::string good = read_file(golden_path("weight_file.gguf"));
  const std::size_t header = good.rfind("cube") + 4;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    const std::size_t place = random.below(header);
    CAPTURE(place);
    std::string damaged = good;
    damaged[place] = static_cast<char>(damaged[place] ^ static_cast<char>(1 + random.below(255)));
    write_file(path, damaged);
    try {
      const WeightFile file(path);
      for (const std::string& name : file.names()) {
        if (name != "whole") {
          CHECK(!file.shape(name).empty());
          file.values(name);
        }
      }
    } catch (const InvalidInput&) {
      ++refused;
    }
  }
  MESSAGE(refused, " of 300 refused");
  CHECK(refused > 0);
}

TEST_CASE("a part of a model in several files is refused") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  std::string bytes = read_file(golden_path("weight_file.gguf"));
  const std::size_t place = bytes.find("number.u16");  // one letter less than split.count, so another key makes room
  REQUIRE(place != std::string::npos);
  const std::uint64_t length = 11;
  std::memcpy(bytes.data() + place - sizeof length, &length, sizeof length);
  bytes.replace(place, 10, "split.count");
  const std::size_t padding = bytes.rfind("cube") + 4 + 4 + 24 + 4 + 8;  // the header ends with this tensor's entry
  REQUIRE(bytes[padding] == '\0');
  bytes.erase(padding, 1);
  write_file(path, bytes);
  CHECK(contains(message_of<InvalidInput>([&] { WeightFile{path}; }), "one of 60000 parts"));
}

TEST_CASE("an open file is read to its end after another has taken its path") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  const std::string other = directory.file("other");
  write_file(path, read_file(golden_path("weight_file.gguf")));
  const WeightFile file(path);
  const std::vector<float> before = file.values("q4_k");
  write_file(other, "nothing");
  std::filesystem::rename(other, path);
  CHECK(file.values("q4_k") == before);
}

}  // namespace
}  // namespace endorm
