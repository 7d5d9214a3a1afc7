#include "lab/finding.h"

#include <nlohmann/json.hpp>

namespace endorm::lab {
namespace {

using Json = nlohmann::ordered_json;

Json plot_json(const Plot& plot) {
  Json series = Json::array();
  for (const Series& one : plot.series) {
    series.push_back({{"name", one.name}, {"x", one.x}, {"y", one.y}});
  }
  return {{"title", plot.title}, {"x_label", plot.x_label}, {"y_label", plot.y_label},
          {"log_x", plot.log_x}, {"log_y", plot.log_y},     {"series", series}};
}

}  // namespace

Finding as_limit(Finding finding) {
  finding.limit = true;
  return finding;
}

std::string findings_json(std::span<const Finding> findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    Json plots = Json::array();
    for (const Plot& plot : finding.plots) {
      plots.push_back(plot_json(plot));
    }
    list.push_back({{"claim", finding.claim},
                    {"statement", finding.statement},
                    {"measured", finding.measured},
                    {"relation", finding.relation == Relation::kAtMost ? "at most" : "at least"},
                    {"bound", finding.bound},
                    {"holds", finding.holds()},
                    {"limit", finding.limit},
                    {"detail", finding.detail},
                    {"plots", plots}});
  }
  return list.dump(1) + "\n";
}

}  // namespace endorm::lab
