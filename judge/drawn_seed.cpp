#include "judge/drawn_seed.h"

#include <string>

#include "engine/content_hash.h"

namespace endorm {

std::uint64_t drawn_seed(std::string_view purpose, std::uint64_t seed, std::string_view record_key, std::size_t place) {
  Sha256 hash;
  hash.update("endorm " + std::string(purpose) + " " + std::to_string(seed) + " " + std::to_string(place) + " ");
  hash.update(record_key);
  return seed_from(hash.finish());
}

}  // namespace endorm
