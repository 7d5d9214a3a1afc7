#include "score/field_map.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

std::string mapped(const std::string& map, const std::string& row) {
  Json json = Json::parse(row);
  FieldMap::parse(map).apply(json);
  return json.dump();
}

std::string fault_of(const std::string& map, const std::string& row = "{}") {
  return message_of<InvalidInput>([&] { mapped(map, row); });
}

TEST_CASE("fields are found along their ways, and the others stay") {
  CHECK(mapped("prompt=instruction,responses=completions[].response",
               R"({"n":1,"instruction":"p","completions":[{"response":"a","score":3},{"response":"b"}]})") ==
        R"({"n":1,"completions":[{"response":"a","score":3},{"response":"b"}],"prompt":"p","responses":["a","b"]})");
  CHECK(mapped("prompt=a.b[1].c", R"({"a":{"b":[0,{"c":"p"}]},"response":"r"})") ==
        R"({"a":{"b":[0,{"c":"p"}]},"response":"r","prompt":"p"})");
  CHECK(mapped("responses=turns[][0]", R"({"prompt":"p","turns":[["a","x"],["b"]]})") ==
        R"({"prompt":"p","turns":[["a","x"],["b"]],"responses":["a","b"]})");
}

TEST_CASE("what stands in the place of a mapped field goes, and a swap is one") {
  CHECK(mapped("prompt=text", R"({"prompt":7,"question":"other","text":"p","response":"r"})") ==
        R"({"response":"r","prompt":"p"})");
  CHECK(mapped("chosen=rejected,rejected=chosen", R"({"prompt":"p","chosen":"a","rejected":"b"})") ==
        R"({"prompt":"p","chosen":"b","rejected":"a"})");
  CHECK(mapped("response=output", R"({"prompt":"p","responses":["x"],"output":"r","score":2})") ==
        R"({"prompt":"p","score":2,"response":"r"})");
}

TEST_CASE("a way that leads nowhere says what there is and what may be meant") {
  CHECK(fault_of("responses=completion[].response", R"({"completions":[],"source":"s"})") ==
        "--map responses=completion[].response: the row has no \"completion\". It has \"completions\", \"source\". Is "
        "\"completions\" meant?");
  CHECK(contains(fault_of("responses=c[].respnse", R"({"c":[{"response":"a"}]})"),
                 "\"c[0]\" has no \"respnse\". It has \"response\". Is \"response\" meant?"));
  CHECK(contains(fault_of("prompt=a.b", R"({"a":"text"})"), "\"a\" is a JSON string, not an object."));
  CHECK(contains(fault_of("prompt=a[]", R"({"a":"text"})"), "\"a\" is a JSON string, not a list."));
  CHECK(contains(fault_of("prompt=a[2]", R"({"a":[1]})"), "\"a\" has 1 elements, there is no [2]."));
  CHECK(contains(fault_of("prompt=[0]", R"({"a":[1]})"), "the row is a JSON object, not a list."));
}

TEST_CASE("a map that is none is refused") {
  CHECK(contains(fault_of("prompt"), "is not FIELD=WAY"));
  CHECK(contains(fault_of("prompt="), "is not FIELD=WAY"));
  CHECK(contains(fault_of("prompt=a,"), "is not FIELD=WAY"));
  CHECK(contains(fault_of("promt=a"), "maps to no field of a record. Is prompt meant? There are id, system"));
  CHECK(contains(fault_of("prompt=a,prompt=b"), "a second time"));
  CHECK(contains(fault_of("prompt=a[x]"), "something other than a number"));
  CHECK(contains(fault_of("prompt=a[0"), "does not close"));
  CHECK(contains(fault_of("prompt=.a"), "a dot without a name"));
  CHECK(FieldMap::parse("").empty());
}

}  // namespace
}  // namespace endorm
