#include "eval/judged_json.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/random.h"
#include "tests/eval/tabular_examples.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using nlohmann::json;

// Any finite double, by its bits.
double any_number(RandomStream& random) {
  for (;;) {
    const double number = std::bit_cast<double>(random.next());
    if (std::isfinite(number)) {
      return random.below(8) == 0 ? std::trunc(random.normal() * 10.0) : number;
    }
  }
}

std::string any_text(RandomStream& random) {
  const std::string pieces[] = {"a", " ", "\"", "\\", "\n", "\x01", "\xC3\xA4", "\xF0\x9F\x98\x80", "|", "{"};
  std::string text;
  for (std::size_t length = random.below(6); length > 0; --length) {
    text += pieces[random.below(std::size(pieces))];
  }
  return text;
}

std::vector<std::string> any_texts(RandomStream& random) {
  std::vector<std::string> texts(random.below(3));
  for (std::string& text : texts) {
    text = any_text(random);
  }
  return texts;
}

std::vector<bool> any_truths(RandomStream& random) {
  std::vector<bool> truths(1 + random.below(4));
  for (std::size_t i = 0; i < truths.size(); ++i) {
    truths[i] = random.below(2) == 0;
  }
  return truths;
}

JudgedResponse any_response(RandomStream& random) {
  JudgedResponse response;
  if (random.below(4) > 0) {
    response.reward = any_number(random);
  } else {
    response.error = any_text(random);
  }
  response.characters = random.next() >> random.below(64);
  if (random.below(2) == 0) {
    response.tokens = random.below(100);
  }
  response.replies = any_texts(random);
  response.unparsed = random.below(3);
  for (const char* variant : {"sum", "mean", "drop"}) {
    for (std::size_t step = random.below(4); step > 0; --step) {
      response.step_scores[variant].push_back(any_number(random));
    }
  }
  return response;
}

JudgedExample any_example(RandomStream& random) {
  JudgedExample judged;
  for (std::string* text : {&judged.id, &judged.key, &judged.subset, &judged.subject, &judged.level, &judged.group}) {
    *text = any_text(random);
  }
  for (std::size_t count = random.below(4); count > 0; --count) {
    judged.responses.push_back(any_response(random));
  }
  for (std::size_t count = random.below(4); count > 0; --count) {
    JudgedComparison& comparison = judged.comparisons.emplace_back();
    comparison.comparison = {random.below(4), random.below(4), any_text(random)};
    if (random.below(4) > 0) {
      comparison.margin = any_number(random);
    } else {
      comparison.error = any_text(random);
    }
    comparison.replies = any_texts(random);
    comparison.unparsed = random.below(3);
    comparison.inconsistent = random.below(2) == 0;
  }
  if (random.below(2) == 0) {
    judged.correct = any_truths(random);
    for (const bool has_answer : any_truths(random)) {
      judged.vote.push_back(has_answer ? std::optional(random.below(5)) : std::nullopt);
    }
  }
  if (random.below(2) == 0) {
    judged.steps.emplace();
    if (random.below(2) == 0) {
      judged.steps->first_error = random.below(5);
    }
    if (random.below(2) == 0) {
      judged.steps->wrong = any_truths(random);
    }
  }
  return judged;
}

TEST_CASE("a row reads back as it was, numbers bit for bit") {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    INFO("seed ", seed);
    RandomStream random(seed);
    const JudgedExample judged = any_example(random);
    const std::string row = judged_row(judged);
    CHECK(row.find('\n') == std::string::npos);
    test::check_same(read_judged_row(row), judged);
    CHECK(judged_row(read_judged_row(row)) == row);
  }
}

TEST_CASE("a reply that ends within a character is mended, once") {
  JudgedExample judged;
  judged.responses.emplace_back().reward = 1.0;
  judged.responses[0].replies = {"caf\xC3"};
  const std::string row = judged_row(judged);
  CHECK(read_judged_row(row).responses[0].replies == std::vector<std::string>{"caf\xEF\xBF\xBD"});
  CHECK(judged_row(read_judged_row(row)) == row);
}

TEST_CASE("what JSON cannot carry is a defect of the judge") {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    JudgedExample judged;
    judged.responses.emplace_back().reward = bad;
    CHECK_THROWS_AS(judged_row(judged), InternalError);
    judged.responses[0].reward = 1.0;
    judged.responses[0].step_scores["sum"] = {bad};
    CHECK_THROWS_AS(judged_row(judged), InternalError);
    judged.responses[0].step_scores.clear();
    judged.comparisons.emplace_back().margin = bad;
    CHECK_THROWS_AS(judged_row(judged), InternalError);
  }
}

json whole_row() {
  return json::parse(R"({"id": "i", "key": "k", "subset": "s", "group": "g",
    "responses": [{"reward": -1.5, "characters": 3, "tokens": 2, "replies": ["YES"], "unparsed": 1,
                   "step_scores": {"sum": [-1.0, -2.0]}}],
    "comparisons": [{"better": 0, "worse": 1, "cell": "0,1", "margin": 0.5, "replies": [], "unparsed": 0,
                     "inconsistent": true}],
    "correct": [true], "steps": {"first_error": 1, "wrong": [false, true]}})");
}

TEST_CASE("rows that are none are refused, naming the field") {
  CHECK(read_judged_row(whole_row().dump()).steps->wrong.value() == std::vector<bool>{false, true});
  struct Fault {
    const char* pointer;
    json value;  // discarded: taken out
    const char* field;
  };
  const json out = json(json::value_t::discarded);
  const std::vector<Fault> faults = {
      {"/id", out, "id"},
      {"/id", 3, "id"},
      {"/key", out, "key"},
      {"/subset", nullptr, "subset"},
      {"/group", out, "group"},
      {"/responses", out, "responses"},
      {"/responses", json::object(), "responses"},
      {"/responses/0", 5, "responses[0]"},
      {"/responses/0/reward", "high", "reward"},
      {"/responses/0/reward", out, "error"},
      {"/responses/0/characters", -1, "characters"},
      {"/responses/0/characters", 1.5, "characters"},
      {"/responses/0/tokens", -2, "tokens"},
      {"/responses/0/replies", {1}, "replies"},
      {"/responses/0/unparsed", "no", "unparsed"},
      {"/responses/0/step_scores", {1, 2}, "step_scores"},
      {"/responses/0/step_scores/sum", {"a"}, "step_scores"},
      {"/comparisons", "none", "comparisons"},
      {"/comparisons/0/better", out, "better"},
      {"/comparisons/0/worse", -1, "worse"},
      {"/comparisons/0/cell", 0, "cell"},
      {"/comparisons/0/margin", nullptr, "error"},
      {"/comparisons/0/margin", out, "error"},
      {"/comparisons/0/inconsistent", 1, "inconsistent"},
      {"/correct", {1}, "correct"},
      {"/steps", json::object(), "first_error"},
      {"/steps/first_error", -1, "first_error"},
      {"/steps/wrong", true, "wrong"},
  };
  for (const Fault& fault : faults) {
    json row = whole_row();
    const json::json_pointer at(fault.pointer);
    if (fault.value.is_discarded()) {
      row.at(at.parent_pointer()).erase(at.back());
    } else {
      row[at] = fault.value;
    }
    const std::string message = message_of<InvalidInput>([&] { read_judged_row(row.dump()); });
    INFO(fault.pointer, ": ", message);
    CHECK(contains(message, fault.field));
    CHECK(contains(message, "is no row of a judge"));
  }
}

TEST_CASE("lines that are no JSON, or JSON that is no number, are refused") {
  for (const char* line :
       {"", "{", "null", "[]", "5", "{\"id\": \"a\", \"id\": \"b\"}", "\xFF", "{\"id\": \"a\", \"key\": 1e999}"}) {
    INFO(line);
    CHECK(contains(message_of<InvalidInput>([&] { read_judged_row(line); }), "is no row of a judge"));
  }
}

}  // namespace
}  // namespace endorm
