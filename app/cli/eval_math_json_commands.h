#pragma once

#include <string>

#include "eval/math_report.h"

namespace CLI {
class App;
}

namespace endorm {

// Where a report goes; the tables go to standard output as well.
struct MathOutputs {
  std::string json;      // file; empty: none
  std::string markdown;  // file
  std::string html;      // file
  bool rows = true;      // in json
};

// Throws EngineError where a file cannot be written, RowsFailed where rows were left out, a problem could not be asked
// or a sample got no reward.
void write_math_report(const MathReport& report, const MathOutputs& outputs);

// eval list, eval merge: what needs no model.
void add_eval_json_commands(CLI::App& eval);

}  // namespace endorm
