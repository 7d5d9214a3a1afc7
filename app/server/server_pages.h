#pragma once

#include <string>

namespace endorm {

// The pages at "/" and "/docs", each complete in itself: the HTML of page/ with its styles and scripts, of which those
// of reports (page.css, page_base.js, heatmap.js) are the first.
std::string rewards_page();
std::string docs_page();

}  // namespace endorm
