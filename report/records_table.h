#pragma once

#include <cstddef>
#include <istream>
#include <string>

namespace endorm {

// A result file as a table for a terminal: a line a response, the best of each record marked, and what the pairs say.
// width: columns of the terminal. At most max_records records are listed; all are counted. Throws as read_results.
std::string render_records_table(std::istream& lines, std::size_t width, std::size_t max_records);

}  // namespace endorm
