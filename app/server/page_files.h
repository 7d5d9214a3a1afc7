#pragma once

#include <string_view>

namespace endorm {

// Files of this directory that the program holds: its pages need no other file and no network.
extern const std::string_view rewards_html;  // with the places of its styles and scripts: rewards_page.h
extern const std::string_view rewards_css;
extern const std::string_view aggregations_js;
extern const std::string_view server_js;
extern const std::string_view form_js;
extern const std::string_view results_js;
extern const std::string_view actions_js;
extern const std::string_view docs_html;
extern const std::string_view schemas_json;

}  // namespace endorm
