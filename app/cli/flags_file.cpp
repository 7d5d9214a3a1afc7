#include "app/cli/flags_file.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/config_table.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

bool is_switch(const CLI::Option& flag) { return flag.get_items_expected_max() == 0; }

// Why the value is of another kind than the flag takes; empty where it is of that kind.
std::string kind_fault(const CLI::Option& flag, const Json& value) {
  if (is_switch(flag)) {
    return value.is_boolean() ? "" : "is a switch, expected true or false";
  }
  const auto is_word = [](const Json& each) { return each.is_string() || each.is_number(); };
  if (is_word(value)) {
    return "";
  }
  if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_word)) {
    return "is no " + flag.get_type_name();
  }
  if (flag.get_items_expected_max() == 1) {
    return "is a list, expected one " + flag.get_type_name();
  }
  return value.empty() ? "is an empty list: leave the key out" : "";
}

// The words that a command line would have behind the flag.
std::vector<std::string> words_of(const Json& value) {
  std::vector<std::string> words;
  for (const Json& each : value.is_array() ? value : Json::array({value})) {
    words.push_back(each.is_string() ? each.get<std::string>() : each.dump());
  }
  return words;
}

void give(const ConfigTable& file, const std::string& key, CLI::Option& flag, const Json& value) {
  if (const std::string fault = kind_fault(flag, value); !fault.empty()) {
    file.refuse(key, fault);
  }
  if (value == false || flag.count() > 0) {
    return;
  }
  try {
    flag.add_result(words_of(value));
    flag.run_callback();
  } catch (const CLI::ParseError& error) {
    file.refuse(key, std::string("is refused: ") + error.what());
  } catch (const InvalidInput& error) {
    file.refuse(key, std::string("is refused: ") + error.what());
  }
}

}  // namespace

void read_flags_file(CLI::App& command, const std::string& path) {
  ConfigTable file(path);
  for (CLI::Option* flag : command.get_options()) {
    for (const std::string& name : flag->get_configurable() ? flag->get_lnames() : std::vector<std::string>{}) {
      file.read_any(name, [&](const Json& value) { give(file, name, *flag, value); });
    }
  }
  file.refuse_others();
}

}  // namespace endorm
