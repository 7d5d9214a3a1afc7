#include "score/json_field.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/listed.h"
#include "score/json_check.h"

namespace endorm {

using Json = nlohmann::ordered_json;

JsonField::JsonField(const Json& value, std::string name) : value_(&value), name_(std::move(name)) {}

void JsonField::wrong_type(std::string_view wanted) const {
  throw InvalidInput((name_.empty() ? "it" : "\"" + name_ + "\"") + " is a JSON " + value_->type_name() +
                     ", expected " + std::string(wanted) + ".");
}

std::optional<JsonField> JsonField::find(std::string_view field) const {
  const auto found = value_->find(field);
  if (found == value_->end() || found->is_null()) {
    return std::nullopt;
  }
  return JsonField(*found, (name_.empty() ? "" : name_ + ".") + std::string(field));
}

bool JsonField::has_null(std::string_view field) const {
  return value_->contains(field) && value_->at(field).is_null();
}

JsonField JsonField::at(std::string_view field) const {
  if (const std::optional<JsonField> found = object().find(field)) {
    return *found;
  }
  throw InvalidInput("there is no field \"" + (name_.empty() ? "" : name_ + ".") + std::string(field) + "\".");
}

const JsonField& JsonField::object(std::string_view wanted) const {
  if (!value_->is_object()) {
    wrong_type(wanted);
  }
  return *this;
}

void JsonField::note_unknown(std::span<const std::string_view> known, const std::string& prefix,
                             std::vector<std::string>& unknown) const {
  constexpr std::size_t kMost = 64;
  for (const auto& [name, held] : value_->items()) {
    const std::string field = prefix + name;
    if (std::find(known.begin(), known.end(), name) == known.end() && unknown.size() < kMost &&
        std::find(unknown.begin(), unknown.end(), field) == unknown.end()) {
      unknown.push_back(field);
    }
  }
}

std::string listed_fields(std::span<const std::string> names) {
  constexpr std::size_t kMost = 12;
  if (names.empty()) {
    return "It is empty.";
  }
  const std::span<const std::string> first = names.first(std::min(names.size(), kMost));
  const std::size_t more = names.size() - first.size();
  return "It has " + listed(first, [](const std::string& name) { return "\"" + excerpt(name) + "\""; }) +
         (more > 0 ? " and " + std::to_string(more) + " more." : ".");
}

bool JsonField::is_null() const { return value_->is_null(); }

bool JsonField::is_text() const { return value_->is_string(); }

bool JsonField::is_list() const { return value_->is_array(); }

const std::string& JsonField::text() const {
  if (!value_->is_string()) {
    wrong_type("a string");
  }
  return value_->get_ref<const std::string&>();
}

std::string JsonField::text_or_integer() const {
  if (!value_->is_string() && !value_->is_number_integer()) {
    wrong_type("a string or an integer");
  }
  return value_->is_string() ? text() : value_->dump();
}

std::string JsonField::text_or_number() const {
  if (!value_->is_string() && !value_->is_number()) {
    wrong_type("a string or a number");
  }
  return value_->is_string() ? text() : value_->dump();
}

double JsonField::number() const {
  if (!value_->is_number()) {
    wrong_type("a number");
  }
  return value_->get<double>();
}

std::int64_t JsonField::integer() const {
  if (!value_->is_number_integer()) {
    wrong_type("an integer");
  }
  if (value_->is_number_unsigned() && value_->get<std::uint64_t>() > std::uint64_t{INT64_MAX}) {
    throw InvalidInput("\"" + name_ + "\" is " + value_->dump() + ", too large for an index or a label.");
  }
  return value_->get<std::int64_t>();
}

std::size_t JsonField::count() const {
  if (!value_->is_number_unsigned()) {
    throw InvalidInput("\"" + name_ + "\" is " + excerpt(value_->dump()) + ", expected a whole number from 0.");
  }
  return value_->get<std::size_t>();
}

bool JsonField::truth() const {
  if (!value_->is_boolean()) {
    wrong_type("true or false");
  }
  return value_->get<bool>();
}

std::vector<JsonField> JsonField::list(std::string_view wanted) const {
  if (!value_->is_array()) {
    wrong_type(wanted);
  }
  std::vector<JsonField> elements;
  elements.reserve(value_->size());
  for (const Json& element : *value_) {
    elements.emplace_back(element, name_ + "[" + std::to_string(elements.size()) + "]");
  }
  return elements;
}

std::vector<JsonField> JsonField::filled_list(std::string_view wanted) const {
  std::vector<JsonField> elements = list(wanted);
  if (elements.empty()) {
    throw InvalidInput("\"" + name_ + "\" is an empty list, expected " + std::string(wanted) + ".");
  }
  return elements;
}

std::vector<std::string> JsonField::texts(std::string_view wanted) const {
  std::vector<std::string> texts;
  for (const JsonField& element : filled_list(wanted)) {
    texts.push_back(element.text());
  }
  return texts;
}

std::vector<bool> JsonField::truths() const {
  std::vector<bool> truths;
  for (const JsonField& element : filled_list("a list of true and false")) {
    truths.push_back(element.truth());
  }
  return truths;
}

std::vector<std::int64_t> JsonField::integers() const {
  std::vector<std::int64_t> integers;
  for (const JsonField& element : list("a list of integers")) {
    integers.push_back(element.integer());
  }
  return integers;
}

Json parse_object(std::string_view text) {
  check_json(text);
  return parse_checked_object(text);
}

Json parse_checked_object(std::string_view text) {
  Json value = Json::parse(text);
  JsonField(value).object();
  return value;
}

}  // namespace endorm
