#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace endorm {

// What tests read of a page.

inline std::size_t occurrences(std::string_view page, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = page.find(what); at != std::string_view::npos; at = page.find(what, at + what.size())) {
    ++found;
  }
  return found;
}

constexpr std::string_view kDataOpens = "<script type=\"application/json\" id=\"data\">";

// The text of the data element, as a browser finds it: up to the first end of a script.
inline std::string data_text(const std::string& page) {
  const std::size_t begin = page.find(kDataOpens) + kDataOpens.size();
  return page.substr(begin, page.find("</script", begin) - begin);
}

inline nlohmann::json data_of(const std::string& page) { return nlohmann::json::parse(data_text(page)); }

// What would leave a script element, open a comment in it, or be taken for markup or an entity.
inline const std::string kHostile =
    "</script><script>alert(1)</script><!-- ]]> \"'`& &amp; \xE2\x80\xA8\xE2\x80\xA9 {{js}}";

// What loads a file or a script from elsewhere.
constexpr std::string_view kLoaders[] = {"src=", "<link", "@import", "url(", "fetch(", "XMLHttpRequest", "import("};

}  // namespace endorm
