// Arbitrary bytes taken for a picture, as the file and within a data: URI: one that is decoded into the pixels that its
// header says, or InvalidInput. The decoder is libmtmd's.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <stb/stb_image.h>

#include "core/base64.h"
#include "core/errors.h"
#include "engine/image_header.h"
#include "score/media_source.h"
#include "tests/fuzz/promises.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMostPixels = std::size_t{1} << 20U;  // more is slow, not other
  std::vector<endorm::Message> messages{{"user", ""}};
  messages.front().media.push_back({0, "data:;base64," + endorm::base64_of({data, size})});
  try {
    endorm::load_media(messages, {});
    const endorm::Medium& medium = *messages.front().media.front().medium;
    require(medium.bytes == std::string(reinterpret_cast<const char*>(data), size));
    if (medium.kind != endorm::MediumKind::kImage) {
      return 0;
    }
    const endorm::ImageSize said = endorm::image_size(medium);
    if (said.width > kMostPixels / said.height) {
      return 0;
    }
    const endorm::ImageSize blank = endorm::image_size(*endorm::blank_image_like(medium));
    require(blank.width == said.width && blank.height == said.height);
    int width = 0;
    int height = 0;
    int channels = 0;
    unsigned char* pixels = stbi_load_from_memory(data, static_cast<int>(size), &width, &height, &channels, 3);
    if (pixels != nullptr) {
      require(static_cast<std::size_t>(width) == said.width && static_cast<std::size_t>(height) == said.height);
      stbi_image_free(pixels);
    }
  } catch (const endorm::InvalidInput&) {
  }
  return 0;
}
