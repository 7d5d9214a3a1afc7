#include "report/lab_page.h"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/report/page_data.h"

namespace endorm {
namespace {

using nlohmann::json;

json finding_of(const std::string& statement) {
  return {{"claim", "theorem-1"},
          {"statement", statement},
          {"measured", 0.5},
          {"relation", "at most"},
          {"bound", 1.0},
          {"holds", true},
          {"limit", false},
          {"detail", "how"},
          {"plots",
           {{{"title", "t"},
             {"x_label", "x"},
             {"y_label", "y"},
             {"log_x", true},
             {"log_y", false},
             {"series", {{{"name", "s"}, {"x", {1.0, 2.0}}, {"y", {3.0, 4.0}}}}}}}}};
}

TEST_CASE("the lab's page holds every finding, with the numbers of its plots") {
  const json findings = json::array({finding_of("first"), finding_of("second")});
  CHECK(data_of(render_lab_page(findings.dump(), "Lab")) == findings);
}

TEST_CASE("statements and title of the lab's page stay text") {
  const std::string hostile = "</script><script>alert(1)</script>";
  const std::string page = render_lab_page(json::array({finding_of(hostile)}).dump(), hostile);
  CHECK(page.find(hostile) == std::string::npos);
  CHECK(data_of(page)[0]["statement"] == hostile);
}

}  // namespace
}  // namespace endorm
