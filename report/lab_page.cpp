#include "report/lab_page.h"

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "report/page_frame.h"
#include "report/page_parts.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

void require(bool holds, const std::string& fact) {
  if (!holds) {
    throw InvalidInput("[render_lab_page] " + fact + "; give what `endorm lab --json` wrote");
  }
}

bool has_texts(const Json& object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (!object.contains(name) || !object.at(name).is_string()) {
      return false;
    }
  }
  return true;
}

bool is_plot(const Json& plot) {
  if (!plot.is_object() || !has_texts(plot, {"title", "x_label", "y_label"}) || !plot.contains("series") ||
      !plot.at("series").is_array()) {
    return false;
  }
  for (const Json& series : plot.at("series")) {
    if (!series.is_object() || !has_texts(series, {"name"}) || !series.contains("x") || !series.contains("y") ||
        !series.at("x").is_array() || !series.at("y").is_array() || series.at("x").size() != series.at("y").size()) {
      return false;
    }
  }
  return true;
}

// Throws where the page's script could not read the list.
void check_findings(const Json& findings) {
  require(findings.is_array() && !findings.empty(), "the text is no list of findings");
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const Json& finding = findings[i];
    const std::string which = "entry " + std::to_string(i);
    require(finding.is_object() && has_texts(finding, {"claim", "statement", "relation", "detail"}) &&
                finding.contains("measured") && finding.contains("bound") && finding.contains("holds") &&
                finding.contains("limit") && finding.contains("plots") && finding.at("plots").is_array(),
            which + " lacks a field");
    for (const Json& plot : finding.at("plots")) {
      require(is_plot(plot), which + " has a plot without its numbers");
    }
  }
}

}  // namespace

std::string render_lab_page(std::string_view findings_json, const std::string& title) {
  const Json findings = Json::parse(findings_json, nullptr, false);
  require(!findings.is_discarded(), "the text is not JSON");
  check_findings(findings);
  return framed_page({.html = lab_page_html,
                      .title = title,
                      .json = findings.dump(),
                      .styles = {lab_page_css},
                      .scripts = {plot_base_js, lab_page_js}});
}

}  // namespace endorm
