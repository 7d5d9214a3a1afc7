#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace endorm {

// A seed of its own for one thing that a judge draws, from a hash of all four: neither the order of the records nor a
// shard or a window changes it. purpose names judge and version; place is a number within the record.
std::uint64_t drawn_seed(std::string_view purpose, std::uint64_t seed, std::string_view record_key, std::size_t place);

}  // namespace endorm
