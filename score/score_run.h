#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "score/media_source.h"
#include "score/record_input.h"
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

// A record that could not be read, or of which no row can be made.
struct RecordFault {
  std::optional<std::string> id;
  std::size_t line = 0;
  std::string_view key;
  std::string message;
};

// Where the records of a run go, in the order of the input.
class RecordSink {
 public:
  virtual ~RecordSink() = default;

  // The first records of the input that an earlier run finished; what throws InvalidInput where they are others.
  virtual std::size_t finished() const { return 0; }
  virtual void check_finished(std::size_t /*record*/, std::string_view /*key*/) const {}
  virtual void check_finished_count(std::size_t /*records*/) const {}

  // Throws InvalidInput, and takes nothing of it, where it cannot be told: it is then a fault.
  virtual void take(const Request& request, const Scored& scored) = 0;
  virtual void take_fault(const RecordFault& fault) = 0;
  // Behind each window. Throws EngineError where the disk fails.
  virtual void sync() = 0;
};

// The rows of a result log.
class RowSink final : public RecordSink {
 public:
  // row: a scored record to its line, without newline; throws InvalidInput where that cannot be. The log outlives this.
  RowSink(ResultLog& log, std::function<std::string(const Request&, const Scored&)> row)
      : log_(log), row_(std::move(row)) {}

  std::size_t finished() const override { return log_.finished_rows(); }
  void check_finished(std::size_t record, std::string_view key) const override { log_.check_finished(record, key); }
  void check_finished_count(std::size_t records) const override { log_.check_finished_count(records); }
  void take(const Request& request, const Scored& scored) override { log_.append(row_(request, scored)); }
  void take_fault(const RecordFault& fault) override;
  void sync() override { log_.sync(); }

 private:
  ResultLog& log_;
  std::function<std::string(const Request&, const Scored&)> row_;
};

struct RunOptions {
  std::string step_separator = "\n\n";
  Shard shard;
  std::size_t limit = 0;  // records that are taken of the input, before they are dealt to shards; 0: all
  std::string system;     // a system message of records that have none; empty: none
  MediaRules media;
};

struct RunSummary {
  std::size_t records = 0;            // rows in the result, those of earlier runs included
  std::size_t resumed = 0;            // of them, rows that were there already
  std::size_t record_errors = 0;      // records that are error rows (of this run)
  std::string first_error;            // why the first of those cannot be read; empty: none
  std::size_t responses = 0;          // scored in this run
  std::size_t response_errors = 0;    // in this run
  std::size_t responses_skipped = 0;  // in this run
  std::size_t spelled_ends = 0;       // responses whose text spelled the end of their turn, in this run
  std::size_t answers_alone = 0;      // responses that were read where the template puts a finished answer, in this run
  std::size_t records_cut = 0;        // whose prompts lost tokens to fit the context, in this run
  std::vector<std::string> unknown_fields;
};

// Called after each window of records.
using RunProgress = std::function<void(const RunSummary&, std::size_t bytes_used)>;

// Scores a stream of records, which are taken in windows, each window is one prefix tree, and what becomes of it
// is told, in the order of the input, and synced before the next. What cannot be scored becomes a fault, but where none
// of the first 20 records, or of all, can be read nothing is told: InvalidInput has the first reason. Windows depend on
// the input alone, so that a run that was stopped and resumed gives the file of one that was not. Throws EngineError
// where the model or the disk fails; then what was written can be resumed.
RunSummary score_lines(RecordInput& input, Scorer& scorer, RecordSink& sink, const RunOptions& options,
                       const RunProgress& progress);

}  // namespace endorm
