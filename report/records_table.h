#pragma once

#include <cstddef>
#include <istream>
#include <string>

#include "report/data_table.h"

namespace endorm {

// A result file as a table for a terminal: a line a response, the best of each record marked, and what the pairs say.
// width: columns of the terminal. At most max_records records are listed; all are counted. Throws as read_results.
std::string render_records_table(std::istream& lines, std::size_t width, std::size_t max_records);

// The same as data, every response of every record: who has the highest reward of a record, and why one has none. A
// record that could not be scored is one row. Throws as read_results.
DataTable records_data(std::istream& lines);

}  // namespace endorm
