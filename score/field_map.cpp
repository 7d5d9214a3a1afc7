#include "score/field_map.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/listed.h"
#include "core/nearest.h"
#include "score/json_check.h"
#include "score/json_field.h"
#include "score/record.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kPromptFields = std::to_array<std::string_view>({"prompt", "question", "messages", "prompt_ids"});
constexpr auto kResponseFields = std::to_array<std::string_view>(
    {"response", "responses", "response_ids", "response_mask", "chosen", "rejected", "steps"});
template <typename Names>
bool has(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void refuse(const std::string& part, const std::string& why) {
  throw InvalidInput("[--map] \"" + part + "\" " + why);
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

// From a row along the steps of a way.
class FieldMap::Walk {
 public:
  explicit Walk(const Way& way) : way_(way) {}

  Json from(const Json& row) const { return go(row, 0, ""); }

 private:
  // name: of the value, in the words of the map.
  Json go(const Json& value, std::size_t place, const std::string& name) const {
    if (place == way_.steps.size()) {
      return value;
    }
    const Step& step = way_.steps[place];
    if (const auto* field = std::get_if<std::string>(&step)) {
      if (!value.is_object()) {
        refuse_value(value, name, "an object");
      }
      const auto found = value.find(*field);
      if (found == value.end()) {
        refuse_name(value, name, *field);
      }
      return go(*found, place + 1, name + (name.empty() ? "" : ".") + *field);
    }
    if (!value.is_array()) {
      refuse_value(value, name, "a list");
    }
    if (const auto* index = std::get_if<std::size_t>(&step)) {
      if (*index >= value.size()) {
        throw InvalidInput("--map " + way_.text + ": \"" + name + "\" has " + std::to_string(value.size()) +
                           " elements, there is no [" + std::to_string(*index) + "].");
      }
      return go(value[*index], place + 1, name + "[" + std::to_string(*index) + "]");
    }
    Json list = Json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      list.push_back(go(value[i], place + 1, name + "[" + std::to_string(i) + "]"));
    }
    return list;
  }

  [[noreturn]] void refuse_value(const Json& value, const std::string& name, const char* wanted) const {
    throw InvalidInput("--map " + way_.text + ": " + (name.empty() ? "the row" : "\"" + name + "\"") + " is a JSON " +
                       value.type_name() + ", not " + wanted + ".");
  }

  [[noreturn]] void refuse_name(const Json& object, const std::string& name, const std::string& field) const {
    std::vector<std::string> names;
    for (const auto& [each, held] : object.items()) {
      names.push_back(each);
    }
    const std::optional<std::string> meant = nearest(field, names);
    throw InvalidInput("--map " + way_.text + ": " + (name.empty() ? "the row" : "\"" + name + "\"") + " has no \"" +
                       excerpt(field) + "\". " + listed_fields(names) +
                       (meant ? " Is \"" + excerpt(*meant) + "\" meant?" : ""));
  }

  const Way& way_;
};

std::vector<FieldMap::Step> FieldMap::steps_of(const std::string& text) {
  std::vector<Step> steps;
  for (std::size_t begin = 0; begin < text.size();) {
    if (text[begin] == '[') {
      const std::size_t end = text.find(']', begin);
      if (end == std::string::npos) {
        refuse(text, "opens a bracket and does not close it.");
      }
      std::size_t index = 0;
      const auto [last, error] = std::from_chars(text.data() + begin + 1, text.data() + end, index);
      if (end == begin + 1) {
        steps.emplace_back(Each{});
      } else if (error == std::errc() && last == text.data() + end) {
        steps.emplace_back(index);
      } else {
        refuse(text, "has something other than a number, or nothing, in brackets.");
      }
      begin = end + 1;
      begin += begin < text.size() && text[begin] == '.' ? 1 : 0;
    } else {
      const std::size_t end = std::min(text.find_first_of(".[", begin), text.size());
      if (end == begin) {
        refuse(text, "has a dot without a name before it.");
      }
      steps.emplace_back(text.substr(begin, end - begin));
      begin = end + (end < text.size() && text[end] == '.' ? 1 : 0);
    }
  }
  return steps;
}

FieldMap FieldMap::parse(const std::string& text) {
  FieldMap map;
  if (text.empty()) {
    return map;
  }
  const std::span<const std::string_view> fields = record_fields();
  for (const std::string& part : parts_of(text)) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || equals + 1 == part.size()) {
      refuse(part, "is not FIELD=WAY, as in prompt=instruction,responses=completions[].response.");
    }
    Way way{part.substr(0, equals), part, steps_of(part.substr(equals + 1))};
    if (!has(fields, way.field)) {
      const std::optional<std::string> meant = nearest(way.field, fields);
      refuse(part, "maps to no field of a record." + (meant ? " Is " + *meant + " meant?" : std::string()) +
                       " There are " + listed(fields) + ".");
    }
    if (std::any_of(map.ways_.begin(), map.ways_.end(), [&](const Way& other) { return other.field == way.field; })) {
      refuse(part, "maps a field a second time.");
    }
    map.ways_.push_back(std::move(way));
  }
  return map;
}

bool FieldMap::reads(const std::string& field) const {
  return std::any_of(ways_.begin(), ways_.end(), [&](const Way& way) {
    const auto* name = std::get_if<std::string>(&way.steps.front());
    return name != nullptr && *name == field;
  });
}

std::string FieldMap::list_of(const std::string& field) const {
  const auto way = std::find_if(ways_.begin(), ways_.end(), [&](const Way& each) { return each.field == field; });
  if (way == ways_.end()) {
    return {};
  }
  const auto* name = std::get_if<std::string>(&way->steps.front());
  if (name == nullptr || (way->steps.size() > 1 && !std::holds_alternative<Each>(way->steps[1]))) {
    refuse(way->text, "leads to no list of the row itself, of which some elements could be kept.");
  }
  return *name;
}

void FieldMap::apply(Json& row) const {
  std::vector<Json> values;
  for (const Way& way : ways_) {
    values.push_back(Walk(way).from(row));
  }
  for (const Way& way : ways_) {
    if (way.steps.size() == 1) {
      row.erase(std::get<std::string>(way.steps.front()));
    }
    for (const std::span<const std::string_view> alike :
         {std::span<const std::string_view>(kPromptFields), std::span<const std::string_view>(kResponseFields)}) {
      if (has(alike, way.field)) {
        for (const std::string_view name : alike) {
          row.erase(std::string(name));
        }
      }
    }
  }
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    row[ways_[i].field] = std::move(values[i]);
  }
}

namespace {

class MappedRecords final : public RecordInput {
 public:
  MappedRecords(std::unique_ptr<RecordInput> input, FieldMap map) : input_(std::move(input)), map_(std::move(map)) {}

  std::optional<InputLine> next() override {
    std::optional<InputLine> line = input_->next();
    if (line && !line->error) {
      try {
        Json row = parse_object(line->text);
        map_.apply(row);
        line->text = row.dump();
      } catch (const InvalidInput& error) {
        line->error = "line " + std::to_string(line->number) + ": " + error.what();
      }
    }
    return line;
  }

  std::size_t bytes_used() const override { return input_->bytes_used(); }

 private:
  std::unique_ptr<RecordInput> input_;
  FieldMap map_;
};

}  // namespace

std::unique_ptr<RecordInput> mapped_records(std::unique_ptr<RecordInput> input, FieldMap map) {
  return map.empty() ? std::move(input) : std::make_unique<MappedRecords>(std::move(input), std::move(map));
}

}  // namespace endorm
