#include "app/sampling_settings.h"

#include <nlohmann/json.hpp>

namespace endorm {
namespace {

std::vector<Option<SamplingSettings>> sampling_table() {
  using Sampling = SamplingOptions;
  constexpr std::string_view kSampling = "Sampling";
  const auto row = [](auto member, OptionFacts facts) {
    return option<SamplingSettings>(at(&SamplingSettings::sampling, member), std::move(facts));
  };
  return {
      row(&Sampling::temperature, {.name = "temperature",
                                   .help = "0: the most likely token, which makes one sample enough",
                                   .group = kSampling,
                                   .range = {.least = 0}}),
      row(&Sampling::top_p, {.name = "top_p",
                             .help = "draw from the smallest set of tokens with this probability",
                             .group = kSampling,
                             .range = {.least = 0, .most = 1}}),
      row(&Sampling::max_tokens, {.name = "max_tokens",
                                  .help = "of a sample; a longer one is cut off",
                                  .group = kSampling,
                                  .range = {.least = 1}}),
      row(&Sampling::stop,
          {.name = "stop", .help = "a sample ends before this text; may be repeated", .group = kSampling}),
      option<SamplingSettings>(at(&SamplingSettings::seed),
                               {.name = "seed",
                                .help = "of the samples; each has its own, by the problem and its number",
                                .group = kSampling}),
  };
}

}  // namespace

std::span<const Option<SamplingSettings>> sampling_options() {
  static const std::vector<Option<SamplingSettings>> table = sampling_table();
  return table;
}

}  // namespace endorm
