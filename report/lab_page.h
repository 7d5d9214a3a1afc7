#pragma once

#include <string>
#include <string_view>

namespace endorm {

// The JSON of `endorm lab --json` to one self-contained HTML page: every statement with its figure, and the plots.
// Throws InvalidInput where the text is no such list.
std::string render_lab_page(std::string_view findings_json, const std::string& title);

}  // namespace endorm
