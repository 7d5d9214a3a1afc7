// Examples of best of several as records, written and read back.
#include "eval/best_of_record.h"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "tests/eval/best_of_examples.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

Example read(const json& record) { return best_of_example(JsonField(record)); }

TEST_CASE("a record reads back as it was written") {
  Example example = test::drawn_example("1", "1/2", {"\\boxed{0.5}\n\t\"quoted\" \xC3\xA9", "no", ""});
  example.subject = "Algebra";
  example.level = "3";
  example.drawn->tolerance = 0.1;
  example.request.responses[0].ids = Tokens{5, 7};
  example.request.responses[1].text.truncated = true;
  example.drawn->ends[1] = CompletionEnd::kLength;
  example.drawn->ends[2] = CompletionEnd::kStop;
  const json record = best_of_record(example);
  const Example back = read(record);
  CHECK(best_of_record(back) == record);
  CHECK(back.subject == "Algebra");
  CHECK(back.group == "s/1");
  CHECK(back.drawn->tolerance == 0.1);
  CHECK(back.request.responses[0].text.text == example.request.responses[0].text.text);
  CHECK(back.request.responses[0].ids == Tokens{5, 7});
  CHECK(!back.request.responses[2].ids);
  CHECK(back.request.responses[1].text.truncated);
  CHECK(back.correct == example.correct);
  CHECK(back.vote == example.vote);
  CHECK(back.drawn->ends == example.drawn->ends);

  const Example failed = read(best_of_record(test::drawn_example("2", "5", {})));
  CHECK(failed.drawn->error == "too long");
  CHECK(failed.request.responses.empty());
  CHECK(failed.drawn->reference == "5");
}

TEST_CASE("responses of one's own have no more than their labels") {
  Example own;
  own.request.id = "a";
  own.request.key = "00";
  own.group = "g";
  own.request.messages = {{"user", "Q"}};
  own.request.responses.resize(2);
  own.correct = {true, false};
  const json record = best_of_record(own);
  CHECK(record.dump() == R"({"id":"a","key":"00","subset":"","group":"g","prompt":[{"role":"user","content":"Q"}],)"
                         R"("responses":[{"text":""},{"text":""}],"correct":[true,false]})");
  CHECK(!read(record).drawn);
  CHECK(read(record).group == "g");
}

TEST_CASE("hostile records are refused") {
  const json good = best_of_record(test::drawn_example("1", "5", {"\\boxed{5}"}));
  CHECK_NOTHROW(read(good));
  const auto refused = [&](const char* place, const json& value) {
    json bad = good;
    bad[json::json_pointer(place)] = value;
    INFO(bad.dump());
    CHECK_THROWS_AS(read(bad), InvalidInput);
  };
  refused("/vote/0", 1);
  refused("/vote/0", -1);
  refused("/vote/0", "a");
  refused("/ends/0", "ended");
  refused("/ends", json::array());
  refused("/correct/0", 1);
  refused("/correct", json::array({true, false}));
  refused("/reference", 5);
  refused("/tokens/0", -1);
  refused("/ids", json::array({json::array({-1})}));
  refused("/prompt", 5);
  refused("/responses/0", "5");
  for (const char* field : {"id", "key", "subset", "reference", "answers", "reasons", "tokens", "responses"}) {
    INFO(field);
    json bad = good;
    bad.erase(field);
    CHECK_THROWS_AS(read(bad), InvalidInput);
  }
  CHECK_THROWS_AS(read(json::array()), InvalidInput);
}

}  // namespace
}  // namespace endorm
