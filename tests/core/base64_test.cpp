#include "core/base64.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"

namespace endorm {
namespace {

TEST_CASE("the vectors of RFC 4648") {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64_of(std::vector<std::uint8_t>(bytes.begin(), bytes.end())) == text);
    CHECK(bytes_of_base64(text) == bytes);
    CHECK(bytes_of_base64(text.substr(0, text.find('='))) == bytes);
  }
  CHECK(bytes_of_base64("-_-_") == bytes_of_base64("+/+/"));
}

TEST_CASE("what is no base64 is refused") {
  for (const char* text : {"Z", "Zg=g", "Z g=", "Zm9v\n", "Zm9vY", "\xff\xff"}) {
    CHECK_FALSE(bytes_of_base64(text));
  }
}

TEST_CASE("any bytes come back") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  RandomStream random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint8_t> bytes(random.below(60));
    for (std::uint8_t& byte : bytes) {
      byte = static_cast<std::uint8_t>(random.below(256));
    }
    CHECK(bytes_of_base64(base64_of(bytes)) == std::string(bytes.begin(), bytes.end()));
  }
}

}  // namespace
}  // namespace endorm
