#pragma once

#include <cstddef>
#include <istream>
#include <string>

namespace endorm {

struct RecordsPageOptions {
  std::string title = "EndoRM report";
  std::size_t max_records = 200;  // shown token by token; distributions and counts are of all records
};

// A result file of `endorm score` to one self-contained HTML page: it opens offline and loads nothing. Texts of the
// file are data to the page, never markup. Throws InvalidInput on a line that is no row.
std::string render_records_page(std::istream& lines, const RecordsPageOptions& options);

}  // namespace endorm
