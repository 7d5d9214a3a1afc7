#include <optional>
#include <set>

#include "core/errors.h"
#include "engine/tabular_engine.h"
#include "tests/judge/judge_requests.h"

namespace endorm {
namespace {

TEST_CASE("names are distinct, described, and given back by the judges") {
  TabularEngine engine(3, [](std::span<const Token>) { return std::vector<double>(3, 0.0); });
  StatsCache cache(std::nullopt);
  const JudgeParts parts{engine, cache};
  std::set<std::string_view> met;
  for (const JudgeName& line : judge_names()) {
    INFO(line.name);
    CHECK(met.insert(line.name).second);
    CHECK_FALSE(line.description.empty());
    CHECK(line.description.find('\n') == std::string_view::npos);
    try {
      const Judge judge = make_judge(line.name, parts);
      CHECK(judge.name == line.name);
      CHECK(judge.scorer != nullptr);
    } catch (const InvalidInput&) {  // a part is missing that it needs
    }
  }
  CHECK(met.contains("endorm"));
  CHECK(met.contains("random"));
}

TEST_CASE("an unknown name is refused with the known ones") {
  TabularEngine engine(3, [](std::span<const Token>) { return std::vector<double>(3, 0.0); });
  StatsCache cache(std::nullopt);
  const JudgeParts parts{engine, cache};
  try {
    make_judge("oracle", parts);
    FAIL("no error");
  } catch (const InvalidInput& error) {
    CHECK(contains(error.what(), "\"oracle\""));
    for (const JudgeName& line : judge_names()) {
      CHECK(contains(error.what(), std::string(line.name)));
    }
  }
}

}  // namespace
}  // namespace endorm
