// Samples graded, votes counted, rows written and read back.
#include "eval/math_row.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "tests/eval/math_rows.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using test::row_of;

std::vector<int> votes(const MathRow& row) {
  std::vector<int> votes;
  for (const MathSample& sample : row.samples) {
    votes.push_back(sample.vote ? static_cast<int>(*sample.vote) : -1);
  }
  return votes;
}

TEST_CASE("equal answers in other spellings are one class; what cannot be read does not vote") {
  const MathRow row = row_of(
      "1", "1/2", {"\\boxed{0.5}", "The answer is 3.", "so \\boxed{\\frac{1}{2}}", "", "\\boxed{3}", "\\boxed{1/2}"});
  CHECK(votes(row) == std::vector<int>{0, 1, 0, -1, 1, 0});
  CHECK(row.samples[0].verdict == Verdict::kCorrect);
  CHECK(row.samples[1].verdict == Verdict::kWrong);
  CHECK(row.samples[3].verdict == Verdict::kUnparsable);
  CHECK(row.samples[3].answer_normal.empty());
  CHECK(vote_result(row).credit == 1.0);
  CHECK(!vote_result(row).tie);
}

TEST_CASE("the tolerance of the problem holds for verdicts and for votes") {
  MathRow row = row_of("1", "4.2", {"\\boxed{4.25}", "\\boxed{4.2}", "\\boxed{9}"});
  CHECK(votes(row) == std::vector<int>{0, 1, 2});
  row.problem.tolerance = 0.1;
  grade_samples(row);
  CHECK(votes(row) == std::vector<int>{0, 0, 2});
  CHECK(row.samples[0].verdict == Verdict::kCorrect);
}

TEST_CASE("lists vote in any order, multiple choices by their letter") {
  CHECK(votes(row_of("1", "1, 2", {"\\boxed{1, 2}", "\\boxed{2, 1}", "\\boxed{1}"})) == std::vector<int>{0, 0, 2});
  const MathRow sat =
      row_of("2", "B", {"The answer is (B).", "\\boxed{B}", "\\boxed{\\text{A}}", "so (B) it is, clearly"});
  CHECK(votes(sat) == std::vector<int>{0, 0, 2, 0});
  CHECK(sat.samples[2].verdict == Verdict::kWrong);
}

TEST_CASE("classes that tie at the top count as the share of right ones; nobody votes: wrong") {
  CHECK(vote_result(row_of("1", "5", {"\\boxed{5}", "\\boxed{6}"})).credit == 0.5);
  CHECK(vote_result(row_of("1", "5", {"\\boxed{5}", "\\boxed{6}"})).tie);
  CHECK(vote_result(row_of("1", "5", {"\\boxed{5}", "\\boxed{6}", "\\boxed{7}"})).credit == doctest::Approx(1.0 / 3.0));
  CHECK(vote_result(row_of("1", "5", {"\\boxed{6}", "\\boxed{5}", "\\boxed{6}"})).credit == 0.0);
  CHECK(vote_result(row_of("1", "5", {"?", ""})).credit == 0.0);
  CHECK(!vote_result(row_of("1", "5", {"?", ""})).tie);
}

TEST_CASE("a row reads back as it was written") {
  MathRow row = row_of("1", "1/2", {"\\boxed{0.5}\n\t\"quoted\" \xC3\xA9", "no", ""});
  row.problem.subject = "Algebra";
  row.problem.level = "3";
  row.problem.tolerance = 0.1;
  row.samples[1].end = CompletionEnd::kLength;
  row.samples[2].end = CompletionEnd::kStop;
  const std::string line = math_row_json(row);
  CHECK(line.find('\n') == std::string::npos);
  const MathRow back = read_math_row(line);
  CHECK(math_row_json(back) == line);
  CHECK(back.problem.subject == "Algebra");
  CHECK(back.problem.tolerance == 0.1);
  CHECK(back.samples[0].text == row.samples[0].text);
  CHECK(back.samples[0].vote == row.samples[0].vote);
  CHECK(back.samples[1].end == CompletionEnd::kLength);
  CHECK(back.samples[2].end == CompletionEnd::kStop);

  MathRow failed;
  failed.problem = row.problem;
  failed.error = "too long";
  const MathRow failed_back = read_math_row(math_row_json(failed));
  CHECK(failed_back.error == "too long");
  CHECK(failed_back.samples.empty());
}

TEST_CASE("hostile rows are refused") {
  const std::string good = math_row_json(row_of("1", "5", {"\\boxed{5}"}));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = good;
    const std::size_t found = changed.find(from);
    REQUIRE(found != std::string::npos);
    return changed.replace(found, from.size(), to);
  };
  CHECK_NOTHROW(read_math_row(good));
  for (const std::string& bad :
       {std::string("{}"), std::string("[]"), std::string("not json"), good.substr(0, good.size() - 2),
        with("\"vote\":0", "\"vote\":1"), with("\"vote\":0", "\"vote\":-1"), with("\"vote\":0", "\"vote\":\"a\""),
        with("end_of_turn", "ended"), with("\"verdict\":\"correct\"", "\"verdict\":\"right\""),
        with("\"samples\":[", "\"samples\":[],\"more\":["), with("\"reference\":\"5\"", "\"reference\":5"),
        with("\"id\":", "\"id\":\"twice\",\"id\":"), with("\"tokens\":", "\"token\":")}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(read_math_row(bad), InvalidInput);
  }
}

}  // namespace
}  // namespace endorm
