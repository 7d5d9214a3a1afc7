#pragma once

#include <functional>
#include <string>

#include "app/engine_settings.h"
#include "app/judge_settings.h"
#include "score/score_run.h"
#include "score/scored_json.h"

namespace CLI {
class App;
}

namespace endorm {

// Where the rows of a scoring subcommand go.
struct OutputFlags {
  std::string output = "-";
  bool overwrite = false;
  std::string shard;
  std::string cache;
};

// "i/n"; empty: all. Throws InvalidInput on anything else.
Shard shard_from(const std::string& text);

// What a scoring subcommand is asked for.
struct ScoringRunFlags {
  EngineSettings engine;
  std::string input = "-";
  std::string map;         // FieldMap::parse
  std::string system;      // a system message for records that have none
  std::size_t limit = 0;   // records of the input that are taken; 0: all
  std::string media_root;  // the directory that images and sounds lie in; empty: the input's own
  RewardOptions scoring;
  std::string judge = "endorm";
  JudgeSettings judge_parts;
  OutputFlags output;
  std::size_t top_k = 0;  // the output is a TeacherFile with so many of the likeliest tokens of each place; 0: rows
};

void add_scoring_run_flags(CLI::App& command, ScoringRunFlags& flags);

// What a run does beside.
struct RunAside {
  std::string copy;  // where not empty, a file that gets the records that were read (kept_records)
  std::function<void(const std::string& rows)> read_rows;  // reads the file of all rows, before it becomes Parquet;
                                                           // there is none of standard output and of arrays
};

// The whole of a scoring subcommand: loads the model, opens input and result file, lets the judge score, says on
// standard error what was done. make_row turns a scored record into its line. Throws RowsFailed where some records
// could not be scored.
void run_scoring(const std::string& command, const ScoringRunFlags& flags, const RowOptions& rows,
                 const std::function<std::string(const Request&, const Scored&)>& make_row, const RunAside& aside = {});

}  // namespace endorm
