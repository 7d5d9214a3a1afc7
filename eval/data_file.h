#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace endorm {

// All bytes of a data file. Throws InvalidInput, in the name of `function`, where it cannot be opened, EngineError
// where reading fails.
std::string read_data_file(std::string_view function, const std::string& path);

// At most `limit` of `count` indices in ascending order: the first, or with a seed a random choice.
std::vector<std::size_t> chosen_rows(std::size_t count, std::size_t limit, std::optional<std::uint64_t> seed);

}  // namespace endorm
