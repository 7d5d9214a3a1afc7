#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace endorm {

// What distinguishes one page from another.
struct PageContent {
  std::string_view html;  // main; the frame has a header that the scripts fill
  std::string title;      // a text, not markup
  std::string json;       // what the scripts read as `data`
  std::vector<std::string_view> styles;
  std::vector<std::string_view> scripts;  // in order; each sees the names of those before it
};

// One self-contained HTML page, with uPlot for its plots: it opens offline and loads nothing. Title and JSON are data
// to it, never markup.
std::string framed_page(const PageContent& content);

}  // namespace endorm
