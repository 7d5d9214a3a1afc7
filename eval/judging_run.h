#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "eval/judging.h"
#include "score/result_log.h"
#include "score/score_run.h"

namespace endorm {

// Verdicts that an earlier run finished: the rows of a file that ResultLog has opened. Throws InvalidInput where the
// file cannot be read or a line is no row.
std::vector<JudgedExample> read_judged_rows(const std::string& path);

// After each window.
struct JudgingProgress {
  std::size_t examples = 0;  // with a verdict, those of earlier runs included
  std::size_t resumed = 0;   // of them
  std::size_t failures = 0;  // responses and pairs without a verdict
  std::size_t bytes = 0;     // of the texts of `examples`
};

// Bytes of the texts of an example.
std::size_t text_bytes(const Example& example);

// One verdict an example, in order. Examples are judged in windows that depend on them alone; each window's rows are
// appended to `log` (if any) and forced to disk before the next. `finished` [n] are the first n rows, which `log` holds
// already: a window that they end within is judged again as a whole, so that the rest of it shares what it shared.
// Throws InvalidInput where a finished row belongs to another example, EngineError where model or disk fail.
std::vector<JudgedExample> run_judge(std::span<const Example> examples, Scorer& scorer, const JudgingOptions& options,
                                     ResultLog* log, std::vector<JudgedExample> finished,
                                     const std::function<void(const JudgingProgress&)>& progress);

}  // namespace endorm
