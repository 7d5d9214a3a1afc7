#include "report/lab_page.h"

#include "report/page_frame.h"
#include "report/page_parts.h"

namespace endorm {

std::string render_lab_page(const std::string& findings_json, const std::string& title) {
  return framed_page({.html = lab_page_html,
                      .title = title,
                      .json = findings_json,
                      .styles = {lab_page_css},
                      .scripts = {plot_base_js, lab_page_js}});
}

}  // namespace endorm
