#include "report/run_page.h"

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

#include "report/page_frame.h"
#include "report/page_parts.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostPoints = 1000;  // of a curve

Json pair_of(const RunPoint& point) { return {point.step, point.value}; }

// The points of a curve: means over `each` consecutive points, at their mean step.
Json metric_of(const RunMetric& metric) {
  const std::vector<RunPoint>& points = metric.points;
  const std::size_t each = (points.size() + kMostPoints - 1) / kMostPoints;
  Json steps = Json::array();
  Json values = Json::array();
  for (std::size_t begin = 0; begin < points.size(); begin += each) {
    const std::size_t end = std::min(points.size(), begin + each);
    double step = 0.0;
    double value = 0.0;
    const auto count = static_cast<double>(end - begin);
    for (std::size_t i = begin; i < end; ++i) {
      step += static_cast<double>(points[i].step) / count;
      value += points[i].value / count;
    }
    steps.push_back(each == 1 ? Json(points[begin].step) : Json(step));
    values.push_back(each == 1 ? points[begin].value : value);
  }
  const auto [least, greatest] = std::minmax_element(
      points.begin(), points.end(), [](const RunPoint& a, const RunPoint& b) { return a.value < b.value; });
  return {{"name", metric.name},
          {"count", points.size()},
          {"each", each},
          {"first", pair_of(points.front())},
          {"last", pair_of(points.back())},
          {"least", pair_of(*least)},
          {"greatest", pair_of(*greatest)},
          {"steps", std::move(steps)},
          {"values", std::move(values)}};
}

// At most `most` of the samples, evenly spaced.
Json samples_of(const std::vector<RunSample>& samples, std::size_t most) {
  Json shown = Json::array();
  const std::size_t count = std::min(samples.size(), most);
  for (std::size_t i = 0; i < count; ++i) {
    const RunSample& sample = samples[count == 1 ? samples.size() - 1 : i * (samples.size() - 1) / (count - 1)];
    Json one = {{"step", sample.step}};
    one.update(*sample.json);
    shown.push_back(std::move(one));
  }
  return shown;
}

}  // namespace

std::string render_run_page(const RunFile& run, const RunPageOptions& options) {
  Json data = {{"manifest", *run.manifest},
               {"kind", run.kind},
               {"steps", run.steps},
               {"last_step", run.last_step},
               {"planned_steps", run.planned_steps ? Json(*run.planned_steps) : Json(nullptr)},
               {"finished", run.finished()},
               {"refresh_seconds", options.refresh_seconds},
               {"metrics", Json::array()},
               {"sample_count", run.samples.size()},
               {"samples", samples_of(run.samples, options.max_samples)},
               {"faults", Json::array()}};
  for (const RunMetric& metric : run.metrics) {
    data["metrics"].push_back(metric_of(metric));
  }
  for (const RunFault& fault : run.faults) {
    data["faults"].push_back({{"line", fault.line}, {"reason", fault.reason}});
  }
  return framed_page({.html = run_page_html,
                      .title = options.title.empty() ? "EndoRM run: " + run.kind : options.title,
                      .json = data.dump(-1, ' ', false, Json::error_handler_t::replace),
                      .styles = {tables_css, run_page_css},
                      .scripts = {tables_js, run_page_js, plot_base_js, run_plots_js, heatmap_js, cards_js,
                                  run_samples_js, run_refresh_js}});
}

}  // namespace endorm
