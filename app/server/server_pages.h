#pragma once

#include <string>

namespace endorm {

// The pages at "/" and "/docs", each complete in itself: the HTML of page/ with its styles and scripts, of which those
// of reports (page.css, page_base.js, contributions.js, heatmap.js, ..) are the first.
std::string rewards_page();
std::string docs_page();
// The Content-Security-Policy of such a page: its own scripts, by their hashes, and its own server are all that it may
// use; no other page may show it within itself.
std::string page_policy(const std::string& page);

}  // namespace endorm
