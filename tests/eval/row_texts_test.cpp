#include "eval/row_texts.h"

#include <string>

#include <doctest/doctest.h>

#include "core/errors.h"

namespace endorm {
namespace {

std::vector<std::string> texts_of(std::string_view bytes) {
  std::vector<std::string> texts;
  for (const RowText& row : row_texts(bytes)) {
    texts.push_back(std::to_string(row.number) + ":" + std::string(row.text));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("an array is cut at its own commas alone") {
  CHECK(texts_of(R"([{"a": "x,]\"}", "b": [1, {"c": 2}]} , {"d": 3}])") ==
        Texts{R"(1:{"a": "x,]\"}", "b": [1, {"c": 2}]})", R"(2:{"d": 3})"});
  CHECK(texts_of("\xEF\xBB\xBF [\n{}\n]\n") == Texts{"1:{}"});
  CHECK(texts_of("[]").empty());
  CHECK(texts_of(R"(["\\",2])") == Texts{R"(1:"\\")", "2:2"});
  CHECK(texts_of("[{},]") == Texts{"1:{}", "2:"});
}

TEST_CASE("lines keep their numbers, blank ones are skipped") {
  CHECK(texts_of("\xEF\xBB\xBF{\"a\": 1}\r\n\n  \n{\"b\": 2}") == Texts{"1:{\"a\": 1}", "4:{\"b\": 2}"});
  CHECK(texts_of("").empty());
  CHECK(texts_of("\n \n").empty());
}

TEST_CASE("an array that does not end where the file does is refused") {
  for (const char* bytes : {"[", "[{}", "[{\"a\": \"]", "[{}]]", "[{}] {}", "[1\\", "[\"\\"}) {
    INFO(bytes);
    CHECK_THROWS_AS(row_texts(bytes), InvalidInput);
  }
}

}  // namespace
}  // namespace endorm
