#include "engine/medium.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "core/errors.h"
#include "engine/content_hash.h"

namespace endorm {
namespace {

struct Magic {
  std::string_view begins;
  std::size_t at;
  MediumKind kind;
};

constexpr std::array<Magic, 9> kMagics = {{{"\x89PNG\r\n\x1a\n", 0, MediumKind::kImage},
                                           {"\xff\xd8\xff", 0, MediumKind::kImage},
                                           {"GIF8", 0, MediumKind::kImage},
                                           {"BM", 0, MediumKind::kImage},
                                           {"WAVE", 8, MediumKind::kAudio},
                                           {"ID3", 0, MediumKind::kAudio},
                                           {"\xff\xfb", 0, MediumKind::kAudio},
                                           {"\xff\xf3", 0, MediumKind::kAudio},
                                           {"fLaC", 0, MediumKind::kAudio}}};

}  // namespace

std::shared_ptr<const Medium> make_medium(std::string bytes) {
  const auto magic = std::find_if(kMagics.begin(), kMagics.end(), [&](const Magic& each) {
    return bytes.size() > each.at && std::string_view(bytes).substr(each.at).starts_with(each.begins);
  });
  if (magic == kMagics.end()) {
    throw InvalidInput(
        "[medium] this is no picture (PNG, JPEG, GIF, BMP) and no sound (WAV, MP3, FLAC): it begins with none of "
        "their marks.");
  }
  std::string digest = hex(sha256(bytes));
  return std::make_shared<const Medium>(Medium{std::move(bytes), std::move(digest), magic->kind});
}

Token medium_token(std::string_view content, std::size_t place) {
  const std::uint64_t hash = seed_from(sha256(std::string(content) + "#" + std::to_string(place)));
  constexpr std::uint64_t kTokens = std::uint64_t{1} << 30U;
  // Odd where it begins a medium, even behind.
  const auto number = static_cast<Token>(2 * (hash % (kTokens - 1)) + (place == 0 ? 1 : 2));
  return -number;
}

bool begins_medium(Token token) { return is_medium(token) && token % 2 != 0; }

}  // namespace endorm
