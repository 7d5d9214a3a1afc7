#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "score/option.h"

namespace nanobind {
class kwargs;
}

namespace endorm {

// Keyword arguments of a call on their way to the fields that tables name. What no table has, and a value of another
// kind, is a TypeError; a value out of its range is InvalidInput. None is the same as no argument.
class Keywords {
 public:
  // function: what errors call it. Throws InvalidInput on a value that JSON cannot hold.
  Keywords(std::string function, const nanobind::kwargs& given);

  // The options of a run that the table has and `wanted` takes.
  template <typename Options>
  void read(std::span<const Option<Options>> table, Options& options,
            const std::function<bool(const OptionFacts&)>& wanted = nullptr) {
    for (const Option<Options>& option : table) {
      if (!option.in_run || (wanted && !wanted(option))) {
        continue;
      }
      known_.push_back(option.name);
      if (const nlohmann::ordered_json* value = take(option)) {
        option.set(options, *value);
      }
    }
  }
  // After the last read().
  void refuse_others() const;

 private:
  // What is given for an option, which is of its kind; nullptr where nothing is.
  const nlohmann::ordered_json* take(const OptionFacts& facts);

  std::string function_;
  std::map<std::string, nlohmann::ordered_json, std::less<>> given_;
  std::vector<std::string_view> known_;
};

}  // namespace endorm
