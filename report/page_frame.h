#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace endorm {

// What distinguishes one page from another.
struct PageContent {
  std::string_view html;  // main; the frame has a header that the scripts fill
  std::string title;      // a text, not markup
  std::string json;       // what the scripts read as `data`
  // Behind page.css, and behind page_base.js, page_head.js and those that save: each script sees the names of those
  // before it.
  std::vector<std::string_view> styles = {};
  std::vector<std::string_view> scripts = {};
};

// One self-contained HTML page, with uPlot for its plots: it opens offline and loads nothing. Title and JSON are data
// to it, never markup.
std::string framed_page(const PageContent& content);

// The text as HTML shows it.
std::string escaped_html(std::string_view text);

// The page with each {{name}} replaced by its part, in one pass: what is put in is not searched again. Throws
// InternalError on a name that has no part.
std::string filled_page(std::string_view page, const std::vector<std::pair<std::string_view, std::string_view>>& parts);

}  // namespace endorm
