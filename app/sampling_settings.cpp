#include "app/sampling_settings.h"

#include <nlohmann/json.hpp>

namespace endorm {
namespace {

std::vector<Option<SamplingSettings>> sampling_table() {
  const auto drawn = [](auto member) { return at(&SamplingSettings::sampling, member); };
  const OptionRows<SamplingSettings> row{{.group = "Sampling"}};
  return {
      row(drawn(&SamplingOptions::temperature), "temperature",
          "0: the most likely token, which makes one sample enough", {.range = {.least = 0}}),
      row(drawn(&SamplingOptions::top_p), "top_p", "draw from the smallest set of tokens with this probability",
          {.range = {.least = 0, .most = 1}}),
      row(drawn(&SamplingOptions::max_tokens), "max_tokens", "of a sample; a longer one is cut off",
          {.range = {.least = 1}}),
      row(drawn(&SamplingOptions::stop), "stop", "a sample ends before this text; may be repeated"),
      row(&SamplingSettings::seed, "seed", "of the samples; each has its own, by the problem and its number"),
  };
}

}  // namespace

std::span<const Option<SamplingSettings>> sampling_options() {
  static const std::vector<Option<SamplingSettings>> table = sampling_table();
  return table;
}

}  // namespace endorm
