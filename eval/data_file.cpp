#include "eval/data_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "core/errors.h"
#include "core/random.h"

namespace endorm {

std::string read_data_file(std::string_view function, const std::string& path) {
  const std::string name = "[" + std::string(function) + "]";
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw InvalidInput(name + " cannot open " + path + ". Check the path and its permissions.");
  }
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) {
    throw EngineError(name + " cannot read " + path + ". Check the disk and try again.");
  }
  return bytes;
}

// The random choice: Floyd 1987.
std::vector<std::size_t> chosen_rows(std::size_t count, std::size_t limit, std::optional<std::uint64_t> seed) {
  std::vector<std::size_t> chosen;
  if (limit >= count || !seed) {
    for (std::size_t i = 0; i < std::min(limit, count); ++i) {
      chosen.push_back(i);
    }
    return chosen;
  }
  RandomStream random(*seed);
  std::set<std::size_t> drawn;
  for (std::size_t last = count - limit; last < count; ++last) {
    if (!drawn.insert(random.below(last + 1)).second) {
      drawn.insert(last);
    }
  }
  chosen.assign(drawn.begin(), drawn.end());
  return chosen;
}

}  // namespace endorm
