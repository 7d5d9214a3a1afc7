#include "score/score_run.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>
#include <span>
#include <utility>

#include "core/errors.h"
#include "score/scored_json.h"
#include "score/window_size.h"

namespace endorm {
namespace {

constexpr std::size_t kFirstRecords = 20;  // that tell whether the input is what it should be

// A line of the input: a request, or why it is none.
struct Entry {
  InputLine line;
  std::optional<Request> request;
  std::string error;
};

class Run {
 public:
  Run(RecordInput& input, Scorer& scorer, RecordSink& sink, const RunOptions& options, const RunProgress& progress)
      : input_(input), scorer_(scorer), sink_(sink), options_(options), progress_(progress) {}

  RunSummary all() {
    look_ahead();
    for (std::vector<Entry> window = next_window(); !window.empty(); window = next_window()) {
      score_window(window);
      if (progress_) {
        progress_(summary_, input_.bytes_used());
      }
    }
    sink_.check_finished_count(summary_.records);
    return summary_;
  }

 private:
  // The next record of this shard, read; none at the end.
  std::optional<Entry> read_entry() {
    while (options_.limit == 0 || lines_ < options_.limit) {
      std::optional<InputLine> line = input_.next();
      if (!line) {
        break;
      }
      if (lines_++ % options_.shard.count != options_.shard.index - 1) {
        continue;
      }
      Entry entry{std::move(*line), std::nullopt, {}};
      if (entry.line.error) {
        entry.error = *entry.line.error;
      } else {
        try {
          entry.request =
              parse_request(entry.line.text, entry.line.number, options_.step_separator, summary_.unknown_fields);
          entry.request->key = entry.line.key;  // of the row as it came, whatever was mapped
          add_system(*entry.request);
          load_media(entry.request->messages, options_.media);
        } catch (const InvalidInput& error) {
          entry.request.reset();
          entry.error = error.what();
        }
      }
      if (!entry.request && summary_.first_error.empty()) {
        summary_.first_error = entry.error;
      }
      return entry;
    }
    return std::nullopt;
  }

  void add_system(Request& request) const {
    std::vector<Message>& messages = request.messages;
    if (!options_.system.empty() && !messages.empty() && messages.front().role != "system") {
      messages.insert(messages.begin(), Message{"system", options_.system});
    }
  }

  // Reads until a record can be read; where none of the first can, the input is another than was meant.
  void look_ahead() {
    while (std::optional<Entry> entry = read_entry()) {
      ahead_.push_back(std::move(*entry));
      if (ahead_.back().request) {
        return;
      }
      if (ahead_.size() == kFirstRecords) {
        break;
      }
    }
    // A shard may be dealt nothing else, and has its rows nevertheless.
    if (ahead_.size() == kFirstRecords || (options_.shard.count == 1 && !ahead_.empty())) {
      throw InvalidInput("[score] none of the first " + std::to_string(ahead_.size()) +
                         (ahead_.size() == 1 ? " record" : " records") +
                         " can be read, and nothing was scored. The first: " + summary_.first_error);
    }
  }

  std::optional<Entry> next_entry() {
    if (ahead_.empty()) {
      return read_entry();
    }
    Entry entry = std::move(ahead_.front());
    ahead_.pop_front();
    return entry;
  }

  std::vector<Entry> next_window() {
    std::vector<Entry> window;
    FillingWindow filling(windows_);
    while (filling.takes_more()) {
      std::optional<Entry> entry = next_entry();
      if (!entry) {
        break;
      }
      filling.add(entry->line.text.size());
      window.push_back(std::move(*entry));
    }
    ++windows_;
    return window;
  }

  // A window that an earlier run left half written is scored again as a whole: what shares a window shares its numbers.
  void score_window(const std::vector<Entry>& window) {
    const std::size_t first_row = summary_.records;
    const std::size_t finished = std::min(window.size(), sink_.finished() - std::min(sink_.finished(), first_row));
    for (std::size_t i = 0; i < finished; ++i) {
      sink_.check_finished(first_row + i, window[i].line.key);
    }
    summary_.records += window.size();
    summary_.resumed += finished;
    if (finished == window.size()) {
      return;
    }
    std::vector<Request> requests;
    for (const Entry& entry : window) {
      if (entry.request) {
        requests.push_back(*entry.request);
      }
    }
    const std::vector<Scored> scored = requests.empty() ? std::vector<Scored>{} : scorer_.score(requests);
    std::size_t next = 0;
    for (std::size_t i = 0; i < window.size(); ++i) {
      const Entry& entry = window[i];
      const std::size_t place = next;
      next += entry.request ? 1 : 0;
      if (i < finished) {
        continue;
      }
      if (entry.request) {
        take(requests[place], scored[place]);
      } else {
        take_fault({record_id(entry.line.text), entry.line.number, entry.line.key, entry.error});
      }
    }
    sink_.sync();
  }

  void take(const Request& request, const Scored& scored) {
    try {
      sink_.take(request, scored);
      for (const ScoredOutcome& outcome : scored.responses) {
        ++(outcome.scored    ? summary_.responses
           : outcome.skipped ? summary_.responses_skipped
                             : summary_.response_errors);
        count(outcome);
      }
      summary_.records_cut += std::any_of(scored.responses.begin(), scored.responses.end(), is_cut) ? 1 : 0;
    } catch (const InvalidInput& error) {
      take_fault({request.id, request.line, request.key, error.what()});
    }
  }

  void count(const ScoredOutcome& outcome) {
    if (outcome.scored) {
      summary_.spelled_ends += outcome.scored->spelled_end ? 1 : 0;
      summary_.answers_alone += outcome.scored->context == ResponseContext::kClosedByTemplate ? 1 : 0;
    }
  }

  static bool is_cut(const ScoredOutcome& outcome) { return outcome.scored && outcome.scored->truncated_left > 0; }

  void take_fault(const RecordFault& fault) {
    ++summary_.record_errors;
    sink_.take_fault(fault);
  }

  RecordInput& input_;
  Scorer& scorer_;
  RecordSink& sink_;
  const RunOptions& options_;
  const RunProgress& progress_;
  RunSummary summary_;
  std::size_t windows_ = 0;
  std::size_t lines_ = 0;
  std::deque<Entry> ahead_;  // read before the first window
};

}  // namespace

void RowSink::take_fault(const RecordFault& fault) {
  log_.append(error_row(fault.id, fault.line, fault.key, fault.message));
}

std::optional<Shard> parse_shard(std::string_view text) {
  Shard shard;
  const char* const end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  if (index.ec != std::errc() || index.ptr == end || *index.ptr != '/') {
    return std::nullopt;
  }
  const auto count = std::from_chars(index.ptr + 1, end, shard.count);
  const bool whole = count.ec == std::errc() && count.ptr == end && shard.index >= 1 && shard.index <= shard.count;
  return whole ? std::optional(shard) : std::nullopt;
}

RunSummary score_lines(RecordInput& input, Scorer& scorer, RecordSink& sink, const RunOptions& options,
                       const RunProgress& progress) {
  if (options.shard.count == 0 || options.shard.index == 0 || options.shard.index > options.shard.count) {
    throw InvalidInput("[score] shard " + std::to_string(options.shard.index) + "/" +
                       std::to_string(options.shard.count) + " does not exist: write i/n with 1 <= i <= n");
  }
  return Run(input, scorer, sink, options, progress).all();
}

}  // namespace endorm
