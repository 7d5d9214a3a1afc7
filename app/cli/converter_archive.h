#pragma once

#include <string_view>

namespace endorm {

// A tar.gz of llama.cpp's converter and of the tools in app/cli/converter, made by cmake/pack_converter.cmake.
extern const std::string_view kConverterArchive;

}  // namespace endorm
