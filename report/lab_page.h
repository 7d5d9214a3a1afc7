#pragma once

#include <string>

namespace endorm {

// The JSON of `endorm lab --json` to one self-contained HTML page: every statement with its figure, and the plots.
std::string render_lab_page(const std::string& findings_json, const std::string& title);

}  // namespace endorm
