#pragma once

#include <cstddef>
#include <string>

#include "report/run_file.h"

namespace endorm {

struct RunPageOptions {
  std::string title = {};         // empty: "EndoRM run: " and its kind
  std::size_t max_samples = 200;  // of more, those of evenly spaced places in the log are shown, the first and the last
  std::size_t refresh_seconds = 0;  // how often the page loads itself anew, to show a run that goes on; 0: never
};

// The log of a run as one self-contained HTML page: it opens offline and loads nothing but itself. Texts of the log are
// data to the page, never markup. A curve has at most 1,000 points: of a longer run each is a mean over as many steps
// as the page says.
std::string render_run_page(const RunFile& run, const RunPageOptions& options = {});

}  // namespace endorm
