#pragma once

#include <string_view>

namespace endorm {

// Throws InvalidInput where the text is not the JSON of `endorm bench --json` (docs/bench-json.md), naming the first
// field that a page shows and that is missing or of another type: tables must be as large as their headings say, and
// columns of tokens equally long.
void check_bench_file(std::string_view text);

}  // namespace endorm
