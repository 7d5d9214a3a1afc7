#include "score/record_edit.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"
#include "score/json_field.h"
#include "score/record_layout.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

// The field of a row in which its responses stand, as a list; empty: they stand otherwise.
std::string response_list(const Json& row) {
  Json record = row;
  const std::vector<RenamedField> renamed = read_layout(record);
  for (const char* name : {"responses", "response_ids"}) {
    const auto origin =
        std::find_if(renamed.begin(), renamed.end(), [&](const RenamedField& field) { return field.field == name; });
    std::string found = origin == renamed.end() ? name : origin->found;
    if (row.contains(found) && row.at(found).is_array()) {
      return found;
    }
  }
  return {};
}

// Sees whole numbers that no 64 bits hold.
class LargeNumbers final : public nlohmann::json_sax<Json> {
 public:
  bool found = false;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t& text) override {
    found = found || text.find_first_of(".eE") == std::string::npos;
    return !found;
  }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool key(string_t&) override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }
};

bool has_large_number(std::string_view record) {
  LargeNumbers numbers;
  Json::sax_parse(record, &numbers);
  return numbers.found;
}

}  // namespace

std::string on_one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
  return line;
}

std::string with_fields(std::string_view record, const Json& fields) {
  const Json row = parse_object(record);
  for (const auto& [name, value] : fields.items()) {
    if (row.contains(name)) {
      throw InvalidInput("it has a field \"" + excerpt(name) +
                         "\" already, where the reward's own would stand. Rename it.");
    }
  }
  const std::size_t end = record.rfind('}');
  const std::string added = fields.dump();
  return std::string(record.substr(0, end)) + (row.empty() || fields.empty() ? "" : ",") +
         added.substr(1, added.size() - 2) + std::string(record.substr(end));
}

std::string with_responses(std::string_view record, std::span<const std::size_t> kept, CutNotes& notes,
                           const std::string& given) {
  Json row = parse_object(record);
  const std::string list = given.empty() ? response_list(row) : given;
  const std::size_t count = row.contains(list) && row.at(list).is_array() ? row.at(list).size() : 0;
  if (count == 0 || std::any_of(kept.begin(), kept.end(), [&](std::size_t place) { return place >= count; })) {
    throw InvalidInput(
        "its responses do not stand in a list, of which the best could be kept: a pair is kept or dropped as a whole.");
  }
  for (const std::string& name : {list, std::string("truncated"), std::string("response_mask")}) {
    if (row.contains(name) && row.at(name).is_array() && row.at(name).size() == count) {
      Json some = Json::array();
      for (const std::size_t place : kept) {
        some.push_back(std::move(row.at(name)[place]));
      }
      row[name] = std::move(some);
    }
  }
  for (const auto& [name, value] : row.items()) {
    if (count > 1 && kept.size() < count && value.is_array() && value.size() == count) {
      notes.lists_left.insert(name);
    }
  }
  notes.with_large_numbers += has_large_number(record) ? 1 : 0;
  return row.dump();
}

}  // namespace endorm
