#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "app/python/bindings.h"
#include "app/python/keywords.h"
#include "app/python/scored_record.h"
#include "app/python/token_arrays.h"
#include "core/errors.h"
#include "core/utf8.h"
#include "score/endogenous_scorer.h"
#include "score/media_source.h"
#include "score/record.h"
#include "score/record_input.h"
#include "score/window_size.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace endorm {
namespace {

// The endogenous scorer of one call of endorm.score: its options, and the statistics that the call shares.
class RecordScorer {
 public:
  RecordScorer(GuardedEngine& engine, const RewardOptions& asked)
      : row_(asked.rows), own_cache_(engine.cache ? std::nullopt : std::optional(StatsCache(std::nullopt))) {
    const std::scoped_lock alone(engine.busy);
    scorer_.emplace(*engine.engine, own_cache_ ? *own_cache_ : *engine.cache, score_options(asked));
    guarded_.emplace(*scorer_, engine, nullptr);
  }

  // Records of one window, scored together.
  std::vector<std::shared_ptr<const ScoredRecord>> score(std::vector<Request> requests) {
    for (Request& request : requests) {  // whoever calls may read the files that it names
      load_media(request.messages, {.root = "/", .base = "."});
    }
    std::vector<Scored> scored = guarded_->score(requests);
    std::vector<std::shared_ptr<const ScoredRecord>> records;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!row_.tokens) {
        for (ScoredOutcome& outcome : scored[i].responses) {
          if (outcome.scored) {
            outcome.scored->tokens = {};
            outcome.scored->token_texts = {};
          }
        }
      }
      records.push_back(
          std::make_shared<const ScoredRecord>(ScoredRecord{requests[i], std::move(scored[i]), row_.tokens, row_}));
    }
    return records;
  }

 private:
  RowOptions row_;
  std::optional<StatsCache> own_cache_;
  std::optional<EndogenousScorer> scorer_;
  std::optional<GuardedScorer> guarded_;
};

void make(RecordScorer* place, GuardedEngine& engine, const nb::kwargs& options) {
  RewardOptions asked;
  Keywords keywords("score", options);
  keywords.read(reward_options(), asked);
  keywords.refuse_others();
  const nb::gil_scoped_release released;
  new (place) RecordScorer(engine, asked);
}

nb::list score(RecordScorer& self, const std::vector<const Request*>& requests) {
  std::vector<std::shared_ptr<const ScoredRecord>> records;
  {
    const nb::gil_scoped_release released;
    std::vector<Request> own;
    for (const Request* request : requests) {
      own.push_back(*request);
    }
    records = self.score(own);
  }
  nb::list scored;
  for (auto& record : records) {
    scored.append(python_scored(std::move(record)));
  }
  return scored;
}

// Bytes that a list takes as a part of a line: brackets, numbers, and ", " between two.
std::size_t bytes_of(const GivenList& list) {
  std::size_t bytes = std::max<std::size_t>(2 * list.values.size(), 2);
  for (const Token value : list.values) {
    bytes += std::to_string(value).size();
  }
  return bytes;
}

// Bytes of what stands in the line for the n-th list.
std::size_t bytes_of_place(std::size_t n) {
  return std::string_view("{\"given\": }").size() + std::to_string(n).size();
}

// Lists (NumPy arrays of integers, or what is wrong with one) -> as the core reads them.
std::vector<GivenList> given_lists(const nb::list& lists) {
  std::vector<GivenList> given;
  for (const nb::handle list : lists) {
    given.push_back(nb::isinstance<nb::str>(list) ? GivenList{{}, nb::cast<std::string>(list)} : given_list(list));
  }
  return given;
}

// (the record, the names of fields that are not used, its bytes as a line).
nb::tuple parse(const std::string& line, std::size_t number, const std::string& step_separator, const nb::list& lists) {
  const std::vector<GivenList> given = given_lists(lists);
  std::vector<std::string> unknown;
  Request request = parse_request(line, number, step_separator, unknown, given);
  std::size_t bytes = line.size();
  for (std::size_t i = 0; i < given.size(); ++i) {
    bytes = bytes + bytes_of(given[i]) - bytes_of_place(i);
  }
  return nb::make_tuple(std::move(request), std::move(unknown), bytes);
}

// The records of a file, one after the other.
class RecordFile {
 public:
  RecordFile(const std::string& path, const std::string& python)
      : path_(path), input_(open_records(path, RecordInput::kDefaultLimit, python)) {}

  // (number, line of JSON); none at the end. Throws InvalidInput on a record that cannot be used.
  std::optional<InputLine> next() {
    const std::scoped_lock alone(reading_);
    std::optional<InputLine> line = input_->next();
    if (line && !line->error && valid_utf8(line->text) != line->text) {
      line->error = "it is no UTF-8.";
    }
    if (line && line->error) {
      throw InvalidInput("[score] " + path_ + ", line " + std::to_string(line->number) + ": " + *line->error);
    }
    return line;
  }

 private:
  std::string path_;
  std::unique_ptr<RecordInput> input_;
  std::mutex reading_;
};

void open_file(RecordFile* place, const std::string& path, const std::string& python) {
  const nb::gil_scoped_release released;
  new (place) RecordFile(path, python);
}

nb::tuple next_of(RecordFile& file) {
  std::optional<InputLine> line;
  {
    const nb::gil_scoped_release released;
    line = file.next();
  }
  if (!line) {
    throw nb::stop_iteration();
  }
  return nb::make_tuple(line->number, line->text);
}

// Bytes of each record -> where each window ends.
std::vector<std::size_t> window_ends(const std::vector<std::size_t>& bytes) {
  std::vector<std::size_t> ends;
  for (std::size_t next = 0; next < bytes.size(); ends.push_back(next)) {
    FillingWindow filling(ends.size());
    while (next < bytes.size() && filling.takes_more()) {
      filling.add(bytes[next++]);
    }
  }
  return ends;
}

}  // namespace

void bind_scoring(nb::module_& module) {
  nb::class_<Request>(module, "Request", "One record, read and checked.")
      .def_ro("id", &Request::id)
      .def("__len__", [](const Request& self) { return self.responses.size(); });
  module.def(
      "parse_record", &parse, "line"_a, "number"_a, "step_separator"_a = ScoreOptions{}.step_separator,
      "given"_a = nb::list(),
      nb::sig("def parse_record(line: str, number: int, step_separator: str = ..., given: "
              "list[object] = []) -> tuple[Request, list[str], int]"),
      "One line of JSON to a record, the names of fields that are not used, and its size in bytes. "
      "{\"given\": n} in the line stands for the n-th list of `given`: an array of integers, or a text that says "
      "why it is none. Raises ValueError naming the field and what was found.");
  nb::class_<RecordFile>(module, "RecordFile",
                         "(number, line of JSON) of each record of a file, in any form that `endorm score` reads. "
                         "python: the program that reads Parquet and Arrow. Raises ValueError where the file, or a "
                         "record of it, cannot be read.")
      .def("__init__", &open_file, "path"_a, "python"_a)
      .def(
          "__iter__", [](nb::handle self) { return nb::borrow(self); }, nb::sig("def __iter__(self) -> RecordFile"))
      .def("__next__", &next_of, nb::sig("def __next__(self) -> tuple[int, str]"));
  module.def("window_ends", &window_ends, "bytes"_a,
             "Where the windows of records of these many bytes end: the same that `endorm score` takes of a file.");
  nb::class_<RecordScorer>(module, "RecordScorer", "The endogenous reward with options, on an engine.")
      .def("__init__", &make, "engine"_a, "options"_a, nb::keep_alive<1, 2>(),
           nb::sig("def __init__(self, engine: Engine, *, tokens: bool = False, "
                   "**options: typing_extensions.Unpack[endorm._options.ScoreOptions]) -> None"))
      .def("score", &score, "records"_a, nb::sig("def score(self, records: list[Request]) -> list[Scored]"));
}

}  // namespace endorm
