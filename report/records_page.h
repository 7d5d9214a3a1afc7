#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <string>

namespace endorm {

struct RecordsPageOptions {
  std::string title = "EndoRM report";
  // The data: URI of an image that a row names; empty: it is shown by its name. data_file: what the run read.
  std::function<std::string(const std::string& source, const std::string& data_file)> image = {};
  std::size_t max_records = 200;  // shown token by token; distributions and counts are of all records
};

// A result file of `endorm score` to one self-contained HTML page: it opens offline and loads nothing. Texts of the
// file are data to the page, never markup. Throws InvalidInput on a line that is no row.
std::string render_records_page(std::istream& lines, const RecordsPageOptions& options);

}  // namespace endorm
