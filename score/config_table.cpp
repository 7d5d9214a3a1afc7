#include "score/config_table.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>
#include <toml++/toml.h>

#include "core/errors.h"
#include "core/listed.h"
#include "core/nearest.h"
#include "engine/read_whole_file.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

struct Document {
  toml::table root;
  std::string name;  // of the file
  std::vector<ConfigKey> keys;
};

// A truth value, number or string, or a list; what is none of these is discarded, which is of no key's kind.
Json json_of(const toml::node& node) {
  return node.visit([](const auto& value) -> Json {
    using Value = decltype(value);
    if constexpr (toml::is_string<Value> || toml::is_number<Value> || toml::is_boolean<Value>) {
      return value.get();
    } else if constexpr (toml::is_array<Value>) {
      Json list = Json::array();
      for (const toml::node& element : value) {
        list.push_back(json_of(element));
      }
      return list;
    } else {
      return Json::value_t::discarded;
    }
  });
}

std::string wanted_or_false(const OptionFacts& facts) {
  return wanted_of(facts) + (facts.may_be_none ? ", or false" : "");
}

}  // namespace

struct ConfigTable::State {
  std::shared_ptr<Document> document;
  const toml::table* table = nullptr;  // none: it has no key
  std::string prefix;                  // of the paths of its keys
  std::set<std::string> asked;

  const toml::node* get(std::string_view key) {
    asked.emplace(key);
    return table == nullptr ? nullptr : table->get(key);
  }

  const toml::node* find(const OptionFacts& facts, const std::string& standard) {
    document->keys.push_back({prefix + std::string(facts.name), standard, wanted_or_false(facts), facts});
    document->keys.back().facts.choices.clear();
    return get(facts.name);
  }

  std::unique_ptr<State> below(const std::string& key, const toml::table* found) const {
    auto state = std::make_unique<State>();
    state->document = document;
    state->table = found;
    state->prefix = prefix + key + ".";
    return state;
  }

  [[noreturn]] void refuse(const toml::node* node, const std::string& key, const std::string& why) const {
    const toml::node* at = node != nullptr ? node : table;
    const auto line = at == nullptr ? 0U : at->source().begin.line;
    throw InvalidInput("[config] " + document->name + (line > 0 ? ", line " + std::to_string(line) : "") + ": " +
                       prefix + key + " " + why);
  }

  // What stands there. Throws InvalidInput where it does not fit.
  Json value_of(const toml::node& node, const OptionFacts& facts) const {
    Json value = json_of(node);
    if (facts.may_be_none && value == false) {
      value = nullptr;
    }
    if (!fits(facts, value)) {
      std::ostringstream written;
      node.visit([&](const auto& found) { written << found; });
      refuse(&node, std::string(facts.name),
             "is " + (node.is_value() ? excerpt(written.str()) : "a table or a list") + ", expected " +
                 wanted_or_false(facts));
    }
    return value;
  }
};

ConfigTable::ConfigTable(const std::string& path) : state_(std::make_unique<State>()) {
  state_->document = std::make_shared<Document>();
  state_->document->name = std::filesystem::path(path).filename().string();
  try {
    state_->document->root = toml::parse(read_whole_file("config", path));
  } catch (const toml::parse_error& error) {
    throw InvalidInput("[config] " + state_->document->name + ", line " + std::to_string(error.source().begin.line) +
                       ": " + std::string(error.description()));
  }
  state_->table = &state_->document->root;
}

ConfigTable::ConfigTable() : state_(std::make_unique<State>()) { state_->document = std::make_shared<Document>(); }
ConfigTable::ConfigTable(std::unique_ptr<State> state) : state_(std::move(state)) {}
ConfigTable::~ConfigTable() = default;
ConfigTable::ConfigTable(ConfigTable&&) noexcept = default;

void ConfigTable::take(const OptionFacts& facts, const Json& standard, const std::function<void(const Json&)>& give) {
  if (const toml::node* node = state_->find(facts, standard.is_null() ? "false" : standard.dump())) {
    give(state_->value_of(*node, facts));
  }
}

void ConfigTable::read_any(std::string_view key, const std::function<void(const Json&)>& give) {
  if (const toml::node* node = state_->get(key)) {
    give(json_of(*node));
  }
}

void ConfigTable::read_choice(std::string_view key, std::string& value, const std::vector<std::string_view>& choices,
                              std::string_view help) {
  std::vector<std::pair<std::string_view, std::string>> names;
  names.reserve(choices.size());
  for (const std::string_view each : choices) {
    names.emplace_back(each, each);
  }
  read_choice<std::string>(key, value, names, help);
}

void ConfigTable::read_points(std::string_view key, std::vector<std::pair<std::size_t, double>>& value,
                              std::string_view help) {
  const OptionFacts number{.name = key, .help = help, .kind = OptionKind::kNumber};
  const OptionFacts whole{.name = key, .help = help, .range = kFromZero, .kind = OptionKind::kWhole};
  const toml::node* node = state_->find(number, value.size() == 1 ? Json(value.front().second).dump() : "");
  if (node == nullptr) {
    return;
  }
  const toml::array* points = node->as_array();
  if (points == nullptr) {
    value = {{0, state_->value_of(*node, number)}};
    return;
  }
  const std::string name(key);
  if (points->empty()) {
    state_->refuse(node, name, "is an empty list");
  }
  value.clear();
  for (const toml::node& point : *points) {
    const toml::array* pair = point.as_array();
    if (pair == nullptr || pair->size() != 2) {
      state_->refuse(&point, name, "is no list of [step, number]");
    }
    const std::size_t step = state_->value_of(*pair->get(0), whole);
    if (!value.empty() && step <= value.back().first) {
      state_->refuse(&point, name,
                     "has step " + std::to_string(step) + " behind step " + std::to_string(value.back().first) +
                         "; its steps must rise");
    }
    value.emplace_back(step, state_->value_of(*pair->get(1), number));
  }
}

ConfigTable ConfigTable::table(const std::string& key) {
  const toml::node* node = state_->get(key);
  if (node != nullptr && !node->is_table()) {
    state_->refuse(node, key, "is no table; write [" + state_->prefix + key + "]");
  }
  return ConfigTable(state_->below(key, node == nullptr ? nullptr : node->as_table()));
}

std::vector<ConfigTable> ConfigTable::tables(const std::string& key) {
  std::vector<ConfigTable> all;
  const toml::node* node = state_->get(key);
  if (node == nullptr) {
    all.push_back(ConfigTable(state_->below(key + "[]", nullptr)));
    return all;
  }
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    state_->refuse(node, key, "is no list of tables; write [[" + state_->prefix + key + "]]");
  }
  for (const toml::node& element : *list) {
    if (!element.is_table()) {
      state_->refuse(&element, key, "is no list of tables; write [[" + state_->prefix + key + "]]");
    }
    all.push_back(ConfigTable(state_->below(key + "[]", element.as_table())));
  }
  return all;
}

void ConfigTable::refuse_others() const {
  if (state_->table == nullptr) {
    return;
  }
  for (const auto& [name, node] : *state_->table) {
    const std::string key(name.str());
    if (state_->asked.count(key) > 0) {
      continue;
    }
    const std::optional<std::string> meant = nearest(key, state_->asked);
    state_->refuse(&node, key,
                   "is no key; " + (meant ? "did you mean " + state_->prefix + *meant + "? There" : "there") + " are " +
                       listed(state_->asked));
  }
}

void ConfigTable::refuse(const std::string& key, const std::string& why) const {
  state_->refuse(state_->table == nullptr ? nullptr : state_->table->get(key), key, why);
}

const std::vector<ConfigKey>& ConfigTable::keys() const { return state_->document->keys; }

}  // namespace endorm
