#include "score/table_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/ascii_lower.h"
#include "core/errors.h"
#include "core/trimmed.h"
#include "engine/content_hash.h"
#include "score/layout_turns.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestName = 64;

// Columns whose cells are lists or objects; in others such a text may be what was asked or answered.
constexpr auto kLists = std::to_array<std::string_view>(
    {"messages", "conversations", "conversation", "responses", "completions", "samples", "candidates", "generations",
     "outputs", "answers", "steps", "tools", "chat_template_kwargs", "alternatives", "prompt_ids", "response_ids",
     "response_mask", "history", "truncated"});

bool is_name(std::string_view cell) {
  const std::string_view name = trimmed(trimmed(cell), "\"");
  return !name.empty() && name.size() <= kLongestName && name.find_first_of("{}\"") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char byte) { return static_cast<unsigned char>(byte) >= 0x20; });
}

// What a data frame with lists becomes as a table.
bool is_python_list(std::string_view text) { return text.starts_with("[{'role':") || text.starts_with("[{'from':"); }

Json value_of(const std::string& name, const std::string& text, bool quoted) {
  if (text.empty()) {
    return quoted ? Json("") : Json(nullptr);
  }
  if (text.front() == '[' || text.front() == '{') {
    Json value = Json::parse(text, nullptr, false);
    if (is_turns(value) || (value.is_structured() && std::find(kLists.begin(), kLists.end(), name) != kLists.end())) {
      return value;
    }
  }
  if (name == "truncated") {
    const std::string word = ascii_lower(text);
    if (word == "true" || word == "false") {
      return word == "true";
    }
  }
  return text;
}

}  // namespace

std::optional<char> table_separator(std::string_view first_line) {
  for (const char separator : {'\t', ',', ';'}) {
    std::size_t count = 0;
    bool all_names = true;
    for (std::size_t begin = 0; begin <= first_line.size(); ++count) {
      const std::size_t end = std::min(first_line.find(separator, begin), first_line.size());
      const std::string_view cell = trimmed(first_line.substr(begin, end - begin));
      // The first column of a data frame that was written with its index has no name.
      all_names = all_names && (is_name(cell) || (count == 0 && cell.empty()));
      begin = end + 1;
    }
    if (all_names && count >= 2) {
      return separator;
    }
  }
  return std::nullopt;
}

TableReader::TableReader(std::unique_ptr<InputBytes> bytes, char separator, std::size_t limit)
    : bytes_(std::move(bytes)), separator_(separator), limit_(limit) {
  if (const std::optional<Row> names = read_row()) {
    for (const Cell& cell : names->cells) {
      const std::string name(trimmed(cell.text));
      if (!name.empty() && std::find(names_.begin(), names_.end(), name) != names_.end()) {
        throw InvalidInput("[input] " + bytes_->name() + " has two columns that are called \"" + name +
                           "\". Give one of them another name.");
      }
      names_.push_back(name);
    }
  }
}

// The next row that is not blank.
std::optional<TableReader::Row> TableReader::read_row() {
  Row row{line_, {Cell()}, {}};
  bool in_quotes = false;
  bool after_quote = false;  // a quote that ends the cell, or is the first of two
  std::size_t length = 0;
  for (std::string_view rest = bytes_->rest(); !rest.empty(); rest = bytes_->rest()) {
    for (std::size_t i = 0; i < rest.size(); ++i) {
      const char byte = rest[i];
      Cell& cell = row.cells.back();
      line_ += byte == '\n' ? 1 : 0;
      if (in_quotes) {
        if (byte == '"') {
          in_quotes = false;
          after_quote = true;
        } else if (++length <= limit_) {
          cell.text += byte;
        }
        continue;
      }
      if (byte == '"' && (after_quote || (cell.text.empty() && !cell.quoted))) {
        in_quotes = true;
        cell.quoted = true;
        if (after_quote && ++length <= limit_) {
          cell.text += '"';
        }
      } else if (byte == separator_) {
        row.cells.emplace_back();
      } else if (byte == '\n') {
        const bool blank = row.cells.size() == 1 && trimmed(cell.text).empty() && !cell.quoted;
        if (!blank) {
          bytes_->use(i + 1);
          if (length > limit_) {
            row.error = "has " + std::to_string(length) + " bytes, more than the limit of " + std::to_string(limit_) +
                        ". Split or shorten this record.";
          }
          return row;
        }
        row = Row{line_, {Cell()}, {}};
      } else if (byte != '\r' && ++length <= limit_) {
        if (cell.quoted) {
          row.error =
              "has text behind the closing quote of a cell: a quote is missing, or one within it is not written twice.";
        }
        cell.text += byte;
      }
      after_quote = false;
    }
    bytes_->use(rest.size());
  }
  if (in_quotes) {
    row.error = "ends with the file, within a cell whose quotes are not closed.";
  }
  const bool blank = row.cells.size() == 1 && trimmed(row.cells.front().text).empty() && !row.cells.front().quoted;
  return blank ? std::nullopt : std::optional(std::move(row));
}

InputLine TableReader::record_of(const Row& row) const {
  InputLine line{.number = row.line, .text = {}, .key = {}, .error = std::nullopt};
  std::string content;
  std::string error = row.error;
  if (error.empty() && row.cells.size() > names_.size()) {
    error = "has " + std::to_string(row.cells.size()) + " cells, and the first line names " +
            std::to_string(names_.size()) + " columns. Put quotes around cells with separators.";
  }
  Json record = Json::object();
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    content += row.cells[i].text + '\n';
    if (error.empty() && is_python_list(row.cells[i].text)) {
      error = "has under \"" + names_[i] +
              "\" a list as Python prints it, which is no JSON. Save the data as JSON lines or Parquet.";
    }
    if (error.empty() && !names_[i].empty()) {
      record[names_[i]] = value_of(names_[i], row.cells[i].text, row.cells[i].quoted);
    }
  }
  if (error.empty()) {
    try {
      line.text = record.dump();
      line.key = record_key(line.text);
      return line;
    } catch (const Json::type_error&) {
      error = "is not UTF-8. Save the table in UTF-8.";
    }
  }
  line.key = record_key(content);
  line.error = "line " + std::to_string(row.line) + ": the row " + error;
  return line;
}

std::optional<InputLine> TableReader::next() {
  const std::optional<Row> row = read_row();
  return row ? std::optional(record_of(*row)) : std::nullopt;
}

}  // namespace endorm
