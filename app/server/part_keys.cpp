#include "app/server/part_keys.h"

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "app/server/turn_order.h"

namespace endorm {
namespace {

std::uint64_t key_of(std::string_view bytes) {
  return std::max<std::uint64_t>(1, std::hash<std::string_view>{}(bytes));
}

template <typename Number>
void append(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

std::string_view bytes_of(std::span<const Token> tokens) {
  return {reinterpret_cast<const char*>(tokens.data()), tokens.size_bytes()};
}

}  // namespace

std::uint64_t prompt_key(std::span<const Token> prompt) { return key_of(bytes_of(prompt)); }

std::vector<std::uint64_t> block_keys(std::span<const Token> tokens) {
  std::vector<std::uint64_t> keys;
  for (std::size_t begin = 0; begin + kBlockTokens <= tokens.size(); begin += kBlockTokens) {
    std::string bytes(bytes_of(tokens.subspan(begin, kBlockTokens)));
    append(bytes, keys.empty() ? std::uint64_t{0} : keys.back());
    keys.push_back(key_of(bytes));
  }
  return keys;
}

std::uint64_t sampling_key(const SamplingOptions& options) {
  std::string bytes;
  append(bytes, options.max_tokens);
  append(bytes, options.temperature);
  append(bytes, options.top_p);
  for (const std::string& stop : options.stop) {
    append(bytes, stop.size());
    bytes += stop;
  }
  return key_of(bytes);
}

}  // namespace endorm
