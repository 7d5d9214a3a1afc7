#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "score/option.h"

namespace endorm {

inline constexpr OptionRange kFromZero{.least = 0.0};
inline constexpr OptionRange kFromOne{.least = 1.0};
inline constexpr OptionRange kAboveZero{.least = 0.0, .open = true};
inline constexpr OptionRange kShare{.least = 0.0, .most = 1.0};

// A key that a configuration file may have.
struct ConfigKey {
  std::string path;      // "update.learning_rate"; of a list of tables "reward[].weight"
  std::string standard;  // what holds where the file does not have it, as TOML; empty: nothing
  std::string wanted;    // "a number from 0 to 1"
  OptionFacts facts;     // but for the choices, which wanted names
};

// One table of a TOML file as it is read: each call below takes one key, and leaves the value as it is where the file
// does not have it. Whoever has asked for all keys calls refuse_others(). Errors are InvalidInput and name the file,
// the line, the key, and what was expected. Keys and helps must outlive the document.
class ConfigTable {
 public:
  // Reads and parses the file.
  explicit ConfigTable(const std::string& path);
  // A file without any key: every value stays, and keys() then tells what could be asked for.
  ConfigTable();
  ~ConfigTable();
  ConfigTable(ConfigTable&&) noexcept;

  // The key that the option is called; an optional number that is not there is false. Callers include
  // nlohmann/json.hpp, as those of score/option.h do.
  template <typename Value>
  void read(const Option<Value>& option, Value& value) {
    take(option, option.get(value), [&](const nlohmann::ordered_json& given) { option.set(value, given); });
  }
  template <typename Value>
  void read(std::string_view key, Value& value, std::string_view help, const OptionRange& range = {}) {
    read(option<Value>(std::identity{}, {.name = key, .help = help, .range = range}), value);
  }
  // One of several, by its name; of texts, by itself.
  template <typename Value>
  void read_choice(std::string_view key, Value& value, std::type_identity_t<NamedValues<Value>> names,
                   std::string_view help) {
    read(choice<Value>(std::identity{}, names, {.name = key, .help = help}), value);
  }
  void read_choice(std::string_view key, std::string& value, const std::vector<std::string_view>& choices,
                   std::string_view help);
  // What stands there, if anything: a truth value, number or string, or a list; what is none of these is discarded.
  void read_any(std::string_view key, const std::function<void(const nlohmann::ordered_json&)>& give);
  // A number, or points of [[step, number], ...], their steps rising.
  void read_points(std::string_view key, std::vector<std::pair<std::size_t, double>>& value, std::string_view help);

  ConfigTable table(const std::string& key);                // empty where there is none
  std::vector<ConfigTable> tables(const std::string& key);  // [[key]]; one empty one where there is none

  // Throws InvalidInput for a key that nobody asked for, with the nearest one that could be meant and all there are.
  void refuse_others() const;
  // Throws InvalidInput, naming the file, the line and the key.
  [[noreturn]] void refuse(const std::string& key, const std::string& why) const;

  // All keys that were asked for so far, here and in the tables below.
  const std::vector<ConfigKey>& keys() const;

 private:
  struct State;
  explicit ConfigTable(std::unique_ptr<State> state);
  void take(const OptionFacts& facts, const nlohmann::ordered_json& standard,
            const std::function<void(const nlohmann::ordered_json&)>& give);

  std::unique_ptr<State> state_;
};

}  // namespace endorm
