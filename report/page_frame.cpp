#include "report/page_frame.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "core/errors.h"
#include "report/page_parts.h"

namespace endorm {
namespace {

using Spellings = std::initializer_list<std::pair<char, std::string_view>>;

// The text with another spelling of some of its characters.
std::string respelled(std::string_view text, Spellings spellings) {
  std::string result;
  result.reserve(text.size());
  for (const char byte : text) {
    const auto found =
        std::find_if(spellings.begin(), spellings.end(), [&](const auto& each) { return each.first == byte; });
    result += found == spellings.end() ? std::string_view(&byte, 1) : found->second;
  }
  return result;
}

// JSON that can stand inside a script element: nothing in it can end the element or be taken for markup.
std::string script_safe(std::string_view json) {
  return respelled(json, {{'<', "\\u003c"}, {'>', "\\u003e"}, {'&', "\\u0026"}});
}

std::string joined(const std::vector<std::string_view>& parts) {
  std::string all;
  for (const std::string_view part : parts) {
    all += part;
    all += '\n';
  }
  return all;
}

}  // namespace

std::string escaped_html(std::string_view text) {
  return respelled(text, {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}});
}

std::string filled_page(std::string_view page,
                        const std::vector<std::pair<std::string_view, std::string_view>>& parts) {
  std::string result;
  for (std::size_t at = 0; at < page.size();) {
    const std::size_t open = page.find("{{", at);
    if (open == std::string_view::npos) {
      result += page.substr(at);
      break;
    }
    const std::size_t close = page.find("}}", open);
    const std::string_view name = page.substr(open + 2, close - open - 2);
    const auto part = std::find_if(parts.begin(), parts.end(), [&](const auto& entry) { return entry.first == name; });
    if (close == std::string_view::npos || part == parts.end()) {
      throw InternalError("[filled_page] the page asks for a part that does not exist");
    }
    result += page.substr(at, open - at);
    result += part->second;
    at = close + 2;
  }
  return result;
}

std::string framed_page(const PageContent& content) {
  const std::string title = escaped_html(content.title);
  const std::string styles = joined(content.styles);
  const std::string scripts = joined(content.scripts);
  const std::string json = script_safe(content.json);
  const std::string licence = escaped_html(uplot_licence);
  return filled_page(page_frame_html, {{"title", title},
                                       {"content", content.html},
                                       {"page_css", page_css},
                                       {"css", styles},
                                       {"uplot_css", uplot_css},
                                       {"uplot_licence", licence},
                                       {"data", json},
                                       {"uplot_js", uplot_js},
                                       {"page_base_js", page_base_js},
                                       {"page_head_js", page_head_js},
                                       {"saving_js", saving_js},
                                       {"saved_plot_js", saved_plot_js},
                                       {"scripts", scripts}});
}

}  // namespace endorm
