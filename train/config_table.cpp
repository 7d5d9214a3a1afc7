#include "train/config_table.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <set>
#include <sstream>

#include <toml++/toml.h>

#include "core/errors.h"
#include "engine/read_whole_file.h"

namespace endorm {
namespace {

struct Document {
  toml::table root;
  std::string name;  // of the file
  std::vector<ConfigKey> keys;
};

std::string text_of(double value) {
  std::ostringstream text;
  text.precision(15);
  text << value;
  return text.str();
}

// In double quotes, on one line.
std::string toml_string(const std::string& text) {
  std::string written = "\"";
  for (const char byte : text) {
    if (byte == '\n') {
      written += "\\n";
    } else {
      written += byte == '"' || byte == '\\' ? "\\" : "";
      written += byte;
    }
  }
  return written + '"';
}

// Edits that make one word of another (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

bool NumberRange::holds(double value) const {
  return std::isfinite(value) && (above ? value > least : value >= least) && value <= greatest;
}

std::string NumberRange::words() const {
  if (std::isfinite(greatest)) {
    return text_of(least) + " to " + text_of(greatest);
  }
  return std::isfinite(least) ? (above ? "above " : "at least ") + text_of(least) : "any number";
}

struct ConfigTable::State {
  std::shared_ptr<Document> document;
  const toml::table* table = nullptr;  // none: it has no key
  std::string prefix;                  // of the paths of its keys
  std::set<std::string> asked;

  const toml::node* find(const ConfigKey& key) {
    asked.insert(key.path);
    document->keys.push_back(key);
    document->keys.back().path = prefix + key.path;
    return table == nullptr ? nullptr : table->get(key.path);
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

  double in_range(double value, const toml::node* node, const std::string& key, const NumberRange& range) const {
    if (!range.holds(value)) {
      refuse(node, key, "is " + text_of(value) + "; it must be " + range.words());
    }
    return value;
  }

  double number(const toml::node* node, const std::string& key, const NumberRange& range) const {
    const auto value = node->is_number() ? node->value<double>() : std::nullopt;
    if (!value || !std::isfinite(*value)) {
      refuse(node, key, "is no number");
    }
    return in_range(*value, node, key, range);
  }

  std::size_t count(const toml::node* node, const std::string& key, const NumberRange& range) const {
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < 0) {
      refuse(node, key, "is no whole number from " + text_of(range.least) + " on");
    }
    in_range(static_cast<double>(*value), node, key, range);
    return static_cast<std::size_t>(*value);
  }

  std::string string(const toml::node* node, const std::string& key) const {
    const auto value = node->value_exact<std::string>();
    if (!value) {
      refuse(node, key, "is no string; write it in quotes");
    }
    return *value;
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

void ConfigTable::read(const std::string& key, bool& value, const std::string& help) {
  if (const toml::node* node = state_->find({key, value ? "true" : "false", help})) {
    const auto found = node->value_exact<bool>();
    if (!found) {
      state_->refuse(node, key, "is neither true nor false");
    }
    value = *found;
  }
}

void ConfigTable::read(const std::string& key, std::string& value, const std::string& help) {
  if (const toml::node* node = state_->find({key, toml_string(value), help})) {
    value = state_->string(node, key);
  }
}

void ConfigTable::read(const std::string& key, double& value, const NumberRange& range, const std::string& help) {
  if (const toml::node* node = state_->find({key, text_of(value), help, range})) {
    value = state_->number(node, key, range);
  }
}

void ConfigTable::read(const std::string& key, std::size_t& value, const NumberRange& range, const std::string& help) {
  if (const toml::node* node = state_->find({key, std::to_string(value), help, range, true})) {
    value = state_->count(node, key, range);
  }
}

void ConfigTable::read(const std::string& key, std::optional<double>& value, const NumberRange& range,
                       const std::string& help) {
  if (const toml::node* node = state_->find({key, value ? text_of(*value) : "false", help, range})) {
    if (node->value_exact<bool>() == false) {
      value.reset();
    } else {
      value = state_->number(node, key, range);
    }
  }
}

void ConfigTable::read(const std::string& key, std::vector<std::pair<std::size_t, double>>& value,
                       const std::string& help) {
  const toml::node* node =
      state_->find({key, value.size() == 1 ? text_of(value.front().second) : "", help, kAnyNumber});
  if (node == nullptr) {
    return;
  }
  const toml::array* points = node->as_array();
  if (points == nullptr) {
    value = {{0, state_->number(node, key, kAnyNumber)}};
    return;
  }
  if (points->empty()) {
    state_->refuse(node, key, "is an empty list");
  }
  value.clear();
  for (const toml::node& point : *points) {
    const toml::array* pair = point.as_array();
    if (pair == nullptr || pair->size() != 2) {
      state_->refuse(&point, key, "is no list of [step, number]");
    }
    const std::size_t step = state_->count(pair->get(0), key, kFromZero);
    if (!value.empty() && step <= value.back().first) {
      state_->refuse(&point, key,
                     "has step " + std::to_string(step) + " behind step " + std::to_string(value.back().first) +
                         "; its steps must rise");
    }
    value.emplace_back(step, state_->number(pair->get(1), key, kAnyNumber));
  }
}

void ConfigTable::read_choice(const std::string& key, std::size_t& value, const std::vector<std::string>& names,
                              const std::string& help) {
  std::string listed;
  for (const std::string& name : names) {
    listed += (listed.empty() ? "" : ", ") + toml_string(name);
  }
  if (const toml::node* node = state_->find({key, toml_string(names.at(value)), help + "; one of " + listed})) {
    const auto found = std::find(names.begin(), names.end(), state_->string(node, key));
    if (found == names.end()) {
      state_->refuse(node, key, "is none of " + listed);
    }
    value = static_cast<std::size_t>(found - names.begin());
  }
}

ConfigTable ConfigTable::table(const std::string& key) {
  state_->asked.insert(key);
  const toml::node* node = state_->table == nullptr ? nullptr : state_->table->get(key);
  if (node != nullptr && !node->is_table()) {
    state_->refuse(node, key, "is no table; write [" + state_->prefix + key + "]");
  }
  return ConfigTable(state_->below(key, node == nullptr ? nullptr : node->as_table()));
}

std::vector<ConfigTable> ConfigTable::tables(const std::string& key) {
  std::vector<ConfigTable> all;
  state_->asked.insert(key);
  const toml::node* node = state_->table == nullptr ? nullptr : state_->table->get(key);
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
    const auto nearest =
        std::min_element(state_->asked.begin(), state_->asked.end(),
                         [&](const auto& a, const auto& b) { return distance(a, key) < distance(b, key); });
    const bool near = nearest != state_->asked.end() && distance(*nearest, key) <= 1 + key.size() / 3;
    std::string known;
    for (const std::string& one : state_->asked) {
      known += (known.empty() ? "" : ", ") + one;
    }
    state_->refuse(&node, key,
                   "is no key; " + (near ? "did you mean " + state_->prefix + *nearest + "?" : "there are " + known));
  }
}

void ConfigTable::refuse(const std::string& key, const std::string& why) const {
  state_->refuse(state_->table == nullptr ? nullptr : state_->table->get(key), key, why);
}

const std::vector<ConfigKey>& ConfigTable::keys() const { return state_->document->keys; }

}  // namespace endorm
