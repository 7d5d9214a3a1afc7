#include "eval/benchmarks.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/random.h"
#include "engine/content_hash.h"
#include "engine/read_whole_file.h"
#include "eval/benchmark_table.h"
#include "eval/row_texts.h"
#include "score/field_map.h"
#include "score/record_input.h"

namespace endorm {
namespace {

std::string id_of(const JsonField& row) {
  for (const std::string_view field : {"id", "idx", "pair_id"}) {
    try {
      if (row.has(field)) {
        return row.at(field).text_or_integer();
      }
    } catch (const InvalidInput&) {  // an id of another type: its reader says so
    }
  }
  return "";
}

// The records of a file, whose texts `records` keeps; what is none is in faults.
std::vector<RowText> record_texts(const std::string& path, const std::string& map, std::deque<std::string>& records,
                                  std::vector<RowFault>& faults) {
  std::vector<RowText> texts;
  const std::unique_ptr<RecordInput> input = mapped_records(open_records(path), FieldMap::parse(map));
  for (std::optional<InputLine> record = input->next(); record; record = input->next()) {
    if (record->error) {
      faults.push_back({.file = {}, .row = record->number, .id = {}, .message = *record->error});
      continue;
    }
    texts.push_back({.number = record->number, .text = records.emplace_back(std::move(record->text))});
  }
  return texts;
}

// Rows of one file, each with its examples; what cannot be used is in faults, without the file's name.
std::vector<RowExamples> read_rows(const Benchmark& benchmark, std::span<const RowText> texts, const std::string& part,
                                   const ReadOptions& options, std::vector<RowFault>& faults) {
  std::vector<RowExamples> rows;
  for (const RowText& text : texts) {
    std::string id;
    try {
      const nlohmann::ordered_json object = parse_object(text.text);
      const JsonField row(object);
      id = id_of(row);
      RowExamples read{.row = text.number,
                       .id = id,
                       .examples = benchmark.read_row(
                           {.row = row, .text = text.text, .number = text.number, .part = part, .options = options})};
      for (const Example& example : read.examples) {
        check_example(example);
      }
      rows.push_back(std::move(read));
    } catch (const InvalidInput& error) {
      faults.push_back({.file = {}, .row = text.number, .id = id, .message = error.what()});
    }
  }
  if (benchmark.gather != nullptr) {
    rows = benchmark.gather(std::move(rows), options, faults);
  }
  return rows;
}

// Leaves out rows whose ids were there before; `ids` are those of all files.
void drop_repeated(std::vector<RowExamples>& rows, std::set<std::string>& ids, std::vector<RowFault>& faults) {
  std::erase_if(rows, [&](const RowExamples& row) {
    for (const Example& example : row.examples) {
      if (ids.contains(example.request.id)) {
        faults.push_back({.file = {},
                          .row = row.row,
                          .id = row.id,
                          .message = "the id \"" + example.request.id + "\" was there before: two rows have it."});
        return true;
      }
    }
    for (const Example& example : row.examples) {
      ids.insert(example.request.id);
    }
    return false;
  });
}

// At most `limit` of `count` indices in ascending order: the first, or with a seed a random choice (Floyd 1987).
std::vector<std::size_t> chosen_rows(std::size_t count, std::size_t limit, std::optional<std::uint64_t> seed) {
  std::vector<std::size_t> chosen;
  if (limit >= count || !seed) {
    for (std::size_t i = 0; i < std::min(limit, count); ++i) {
      chosen.push_back(i);
    }
    return chosen;
  }
  RandomStream random(*seed);
  std::set<std::size_t> drawn;
  for (std::size_t last = count - limit; last < count; ++last) {
    if (!drawn.insert(random.below(last + 1)).second) {
      drawn.insert(last);
    }
  }
  chosen.assign(drawn.begin(), drawn.end());
  return chosen;
}

[[noreturn]] void refuse_file(std::string_view function, const Benchmark& benchmark, const FoundFile& file,
                              const std::vector<RowFault>& faults) {
  const std::string first =
      faults.empty() ? "It is empty."
                     : "The first is row " + std::to_string(faults.front().row) + ": " + faults.front().message;
  throw InvalidInput("[" + std::string(function) + "] no row of " + file.path + " can be used as " +
                     std::string(benchmark.named.name) + ". " + first +
                     " Expected: " + std::string(benchmark.named.files) + "; as published at " +
                     std::string(benchmark.named.source) + ".");
}

}  // namespace

void read_file(std::string_view function, const Benchmark& benchmark, const FoundFile& file, const ReadOptions& options,
               std::set<std::string>& ids, DataSet& data) {
  std::vector<RowFault> faults;
  std::vector<RowText> texts;
  std::string bytes;                // which the texts are parts of
  std::deque<std::string> records;  // or which they are
  try {
    if (benchmark.reads_records) {
      texts = record_texts(file.path, options.map, records, faults);
    } else {
      bytes = read_whole_file(std::string(function), file.path);
      texts = row_texts(bytes);
    }
    if (!texts.empty() && texts.front().text.starts_with("{\"manifest\":")) {
      texts.erase(texts.begin());  // of a file of ours, such as the samples of `eval math`
    }
  } catch (const InvalidInput& error) {
    throw InvalidInput("[" + std::string(function) + "] " + file.path + ": " + error.what());
  }
  data.files.push_back(
      {.path = file.path, .sha256 = hex(sha256_file(file.path)), .rows = texts.size() + faults.size()});

  std::vector<RowExamples> rows = read_rows(benchmark, texts, file.part, options, faults);
  drop_repeated(rows, ids, faults);
  if (rows.empty()) {
    refuse_file(function, benchmark, file, faults);
  }
  std::sort(faults.begin(), faults.end(), [](const RowFault& a, const RowFault& b) { return a.row < b.row; });
  for (RowFault& fault : faults) {
    fault.file = std::filesystem::path(file.path).filename().string();
    data.faults.push_back(std::move(fault));
  }
  for (const std::size_t index : chosen_rows(rows.size(), options.limit.value_or(rows.size()), options.sample_seed)) {
    for (Example& example : rows[index].examples) {
      benchmark.finish(example, options.order_seed);
      example.request.line = rows[index].row;
      data.examples.push_back(std::move(example));
    }
  }
}

DataSet read_benchmark(std::string_view name, const std::string& path, const ReadOptions& options) {
  const Benchmark& benchmark = benchmark_named("read_benchmark", name);
  if (options.limit == std::size_t{0}) {
    throw InvalidInput("[read_benchmark] a limit of 0 leaves nothing to judge. Give at least 1, or none.");
  }
  if (!options.map.empty() && !benchmark.reads_records) {
    throw InvalidInput("[read_benchmark] " + std::string(name) +
                       " is read as it was published. A map is for records of your own: pairs, bestof, steps.");
  }
  DataSet data;
  data.benchmark = name;
  std::set<std::string> ids;
  for (const FoundFile& file : find_files(benchmark, path, data.notes)) {
    read_file("read_benchmark", benchmark, file, options, ids, data);
  }
  return data;
}

}  // namespace endorm
