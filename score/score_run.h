#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "score/line_reader.h"
#include "score/result_log.h"
#include "score/scorer.h"

namespace endorm {

// One of n parts of a file: records are dealt out in turn.
struct Shard {
  std::size_t index = 1;  // 1-based
  std::size_t count = 1;
};

// Of "i/n"; none where the text is not of that form, or there is no such part.
std::optional<Shard> parse_shard(std::string_view text);

// The items of a part.
template <typename Item>
std::vector<Item> of_shard(const std::vector<Item>& items, const Shard& shard) {
  std::vector<Item> own;
  for (std::size_t i = shard.index - 1; i < items.size(); i += shard.count) {
    own.push_back(items[i]);
  }
  return own;
}

struct RunOptions {
  // A scored record to its line in the result, without newline; throws InvalidInput where that cannot be.
  std::function<std::string(const Request&, const Scored&)> row;
  std::string step_separator = "\n\n";
  Shard shard;
};

struct RunSummary {
  std::size_t records = 0;            // rows in the result, those of earlier runs included
  std::size_t resumed = 0;            // of them, rows that were there already
  std::size_t record_errors = 0;      // records that are error rows (of this run)
  std::size_t responses = 0;          // scored in this run
  std::size_t response_errors = 0;    // in this run
  std::size_t responses_skipped = 0;  // in this run
  std::size_t spelled_ends = 0;       // responses whose text spelled the end of their turn, in this run
  std::size_t answers_alone = 0;      // responses that were read where the template puts a finished answer, in this run
  std::size_t records_cut = 0;        // whose prompts lost tokens to fit the context, in this run
  std::vector<std::string> unknown_fields;
};

// Called after each window of records.
using RunProgress = std::function<void(const RunSummary&, std::size_t bytes_read)>;

// Scores a stream of JSON lines into a result log: records are taken in windows, each window is one prefix tree, its
// rows are written in the order of the input and forced to disk before the next. What cannot be scored becomes an error
// row. Windows depend on the input alone, so that a run that was stopped and resumed gives the file of one that was
// not. Throws EngineError where the model or the disk fails; then what was written can be resumed.
RunSummary score_lines(LineReader& input, Scorer& scorer, ResultLog& log, const RunOptions& options,
                       const RunProgress& progress);

}  // namespace endorm
