#pragma once

#include <string>

#include "report/data_table.h"
#include "report/run_file.h"

namespace endorm {

// How a run stands, for a terminal: a row a metric with its first, last, least and greatest value, and what was passed
// over in its log.
std::string run_table(const RunFile& run);

// The metrics as data.
DataTable run_data(const RunFile& run);

}  // namespace endorm
