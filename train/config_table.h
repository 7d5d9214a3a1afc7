#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace endorm {

// The numbers that a key may be; NaN and infinity never.
struct NumberRange {
  double least = 0.0;
  double greatest = std::numeric_limits<double>::infinity();
  bool above = false;  // least itself is none of them

  bool holds(double value) const;
  std::string words() const;  // "above 0", "at least 1", "0 to 1", "any number"
};

inline constexpr NumberRange kAnyNumber = {.least = -std::numeric_limits<double>::infinity()};
inline constexpr NumberRange kFromZero = {};
inline constexpr NumberRange kFromOne = {.least = 1.0};
inline constexpr NumberRange kAboveZero = {.above = true};
inline constexpr NumberRange kShare = {.greatest = 1.0};

// A key that a configuration file may have.
struct ConfigKey {
  std::string path;      // "update.learning_rate"; of a list of tables "reward[].weight"
  std::string standard;  // what holds where the file does not have it, as TOML; empty: nothing
  std::string help;
  std::optional<NumberRange> range = {};  // of a number
  bool whole = false;                     // only whole numbers
};

// One table of a TOML file as it is read: each call below takes one key, and leaves the value as it is where the file
// does not have it. Whoever has asked for all keys calls refuse_others(). Errors are InvalidInput and name the file,
// the line, the key, and what was expected.
class ConfigTable {
 public:
  // Reads and parses the file.
  explicit ConfigTable(const std::string& path);
  // A file without any key: every value stays, and keys() then tells what could be asked for.
  ConfigTable();
  ~ConfigTable();
  ConfigTable(ConfigTable&&) noexcept;

  void read(const std::string& key, bool& value, const std::string& help);
  void read(const std::string& key, std::string& value, const std::string& help);
  void read(const std::string& key, double& value, const NumberRange& range, const std::string& help);
  void read(const std::string& key, std::size_t& value, const NumberRange& range, const std::string& help);
  // false: none.
  void read(const std::string& key, std::optional<double>& value, const NumberRange& range, const std::string& help);
  // A number, or points of [[step, number], ...], their steps rising.
  void read(const std::string& key, std::vector<std::pair<std::size_t, double>>& value, const std::string& help);
  // A string that is one of names; value becomes its index.
  void read_choice(const std::string& key, std::size_t& value, const std::vector<std::string>& names,
                   const std::string& help);

  ConfigTable table(const std::string& key);                // empty where there is none
  std::vector<ConfigTable> tables(const std::string& key);  // [[key]]; one empty one where there is none

  // Throws InvalidInput for a key that nobody asked for, with the nearest one that could be meant, or all there are.
  void refuse_others() const;
  // Throws InvalidInput, naming the file, the line and the key.
  [[noreturn]] void refuse(const std::string& key, const std::string& why) const;

  // All keys that were asked for so far, here and in the tables below.
  const std::vector<ConfigKey>& keys() const;

 private:
  struct State;
  explicit ConfigTable(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace endorm
