#pragma once

#include <string>

namespace endorm {

// The page at "/", complete in itself: page/rewards.html with its styles and scripts, of which those of reports
// (page.css, page_base.js, heatmap.js) are the first.
std::string rewards_page();

}  // namespace endorm
