#pragma once

#include <string>
#include <string_view>

namespace endorm {

struct BenchPageOptions {
  std::string title;  // empty: "EndoRM on " and the benchmark's name
};

// The JSON of `endorm bench --json` (docs/bench-json.md) to one self-contained HTML page: it opens offline and loads
// nothing. Texts of the file are data to the page, never markup. Every figure, matrix, comparison, correlation and bin
// is in it; of the rows only the verdicts on the pairs under "shown". Throws InvalidInput as check_bench_file does.
std::string render_bench_page(std::string_view json, const BenchPageOptions& options = {});

}  // namespace endorm
