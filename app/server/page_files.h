#pragma once

#include <string_view>

namespace endorm {

// Files of this directory that the program holds: its pages need no other file and no network.
extern const std::string_view rewards_page;  // page/rewards.html
extern const std::string_view docs_page;     // page/docs.html
extern const std::string_view schema_file;   // schemas.json

}  // namespace endorm
