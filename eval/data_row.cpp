#include "eval/data_row.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using nlohmann::json;

[[noreturn]] void wrong_type(std::string_view field, const json& found, std::string_view wanted) {
  throw InvalidInput("\"" + std::string(field) + "\" is a JSON " + found.type_name() + ", expected " +
                     std::string(wanted) + ".");
}

const json& list_of(const json& value, std::string_view field, std::string_view wanted) {
  if (!value.is_array()) {
    wrong_type(field, value, wanted);
  }
  return value;
}

const json& filled_list_of(const json& value, std::string_view field, std::string_view wanted) {
  if (list_of(value, field, wanted).empty()) {
    throw InvalidInput("\"" + std::string(field) + "\" is an empty list, expected " + std::string(wanted) + ".");
  }
  return value;
}

std::string text_of(const json& value, std::string_view field) {
  if (!value.is_string()) {
    wrong_type(field, value, "a string");
  }
  return value.get<std::string>();
}

std::int64_t integer_of(const json& value, std::string_view field) {
  if (!value.is_number_integer()) {
    wrong_type(field, value, "an integer");
  }
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) {
    throw InvalidInput("\"" + std::string(field) + "\" is " + value.dump() + ", too large for an index or a label.");
  }
  return value.get<std::int64_t>();
}

}  // namespace

struct DataRow::Content {
  json object;

  const json& at(std::string_view field) const {
    const auto found = object.find(field);
    if (found == object.end() || found->is_null()) {
      throw InvalidInput("there is no field \"" + std::string(field) + "\".");
    }
    return *found;
  }
};

DataRow::DataRow(std::string_view text) {
  check_json(text);
  json object = json::parse(text);
  if (!object.is_object()) {
    throw InvalidInput(std::string("the row is a JSON ") + object.type_name() + ", expected an object.");
  }
  content_ = std::make_shared<const Content>(Content{std::move(object)});
}

DataRow::DataRow(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

bool DataRow::has(std::string_view field) const {
  const auto found = content_->object.find(field);
  return found != content_->object.end() && !found->is_null();
}

std::string DataRow::text(std::string_view field) const { return text_of(content_->at(field), field); }

std::vector<std::string> DataRow::texts(std::string_view field) const {
  std::vector<std::string> texts;
  for (const json& element : filled_list_of(content_->at(field), field, "a list of strings")) {
    texts.push_back(text_of(element, field));
  }
  return texts;
}

bool DataRow::is_list(std::string_view field) const { return content_->at(field).is_array(); }

std::string DataRow::name(std::string_view field) const {
  const json& value = content_->at(field);
  if (value.is_number_integer()) {
    return value.dump();
  }
  if (!value.is_string()) {
    wrong_type(field, value, "a string or an integer");
  }
  return value.get<std::string>();
}

std::string DataRow::text_or_number(std::string_view field) const {
  const json& value = content_->at(field);
  if (value.is_number()) {
    return value.dump();
  }
  if (!value.is_string()) {
    wrong_type(field, value, "a string or a number");
  }
  return value.get<std::string>();
}

double DataRow::number(std::string_view field) const {
  const json& value = content_->at(field);
  if (!value.is_number()) {
    wrong_type(field, value, "a number");
  }
  return value.get<double>();
}

std::int64_t DataRow::integer(std::string_view field) const { return integer_of(content_->at(field), field); }

std::vector<std::int64_t> DataRow::integers(std::string_view field) const {
  std::vector<std::int64_t> integers;
  for (const json& element : list_of(content_->at(field), field, "a list of integers")) {
    integers.push_back(integer_of(element, field));
  }
  return integers;
}

std::vector<bool> DataRow::truths(std::string_view field) const {
  std::vector<bool> truths;
  for (const json& element : filled_list_of(content_->at(field), field, "a list of true and false")) {
    if (!element.is_boolean()) {
      wrong_type(field, element, "true or false in the list");
    }
    truths.push_back(element.get<bool>());
  }
  return truths;
}

DataRow DataRow::object(std::string_view field) const {
  const json& value = content_->at(field);
  if (!value.is_object()) {
    wrong_type(field, value, "an object");
  }
  return DataRow(std::make_shared<const Content>(Content{value}));
}

std::vector<Message> DataRow::messages(std::string_view field) const {
  const json& value = content_->at(field);
  if (value.is_string()) {
    return {{"user", value.get<std::string>()}};
  }
  std::vector<Message> messages;
  for (const json& turn : filled_list_of(value, field, "a string or a list of messages")) {
    if (!turn.is_object() || !turn.contains("role") || !turn.contains("content")) {
      wrong_type(field, turn, "messages {\"role\", \"content\"} in the list");
    }
    messages.push_back({text_of(turn["role"], "role"), text_of(turn["content"], "content")});
  }
  return messages;
}

}  // namespace endorm
