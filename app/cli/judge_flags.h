#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "app/judge_settings.h"

namespace CLI {
class App;
}

namespace endorm {

void add_judge_flags(CLI::App& command, JudgeSettings& flags);

// Of what is computed from verdicts and of what is kept: the intervals' bootstrap, the cache of token statistics.
void add_bootstrap_flags(CLI::App& command, std::size_t& resamples, std::uint64_t& seed);
void add_statistics_cache_flags(CLI::App& command, std::string& path, bool& none);

}  // namespace endorm
