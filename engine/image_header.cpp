#include "engine/image_header.h"

#include <cstdint>
#include <limits>
#include <string>

#include <stb/stb_image.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::size_t kMostPixels = std::size_t{50} << 20U;

void add_number(std::string& bytes, std::size_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes += static_cast<char>(value >> (8 * i) & 0xFFU);
  }
}

}  // namespace

ImageSize image_size(const Medium& medium) {
  int width = 0;
  int height = 0;
  int channels = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(medium.bytes.data());
  if (medium.bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      stbi_info_from_memory(bytes, static_cast<int>(medium.bytes.size()), &width, &height, &channels) == 0 ||
      width <= 0 || height <= 0) {
    throw InvalidInput("[medium] this image cannot be read: its header is broken, or of a kind that is not known.");
  }
  const ImageSize size{static_cast<std::size_t>(width), static_cast<std::size_t>(height)};
  if (size.width > kMostPixels / size.height) {
    throw InvalidInput("[medium] this image has " + std::to_string(width) + " x " + std::to_string(height) +
                       " pixels, more than " + std::to_string(kMostPixels) + ". Give a smaller one.");
  }
  return size;
}

// As BMP with a bit a pixel and one colour.
std::shared_ptr<const Medium> blank_image_like(const Medium& medium) {
  const auto [width, height] = image_size(medium);
  const std::size_t row = (width + 31) / 32 * 4;
  constexpr std::size_t kHeader = 14 + 40 + 8;
  constexpr std::size_t kGray = 0x00808080;
  std::string bytes = "BM";
  add_number(bytes, kHeader + row * height, 4);
  add_number(bytes, 0, 4);
  add_number(bytes, kHeader, 4);
  add_number(bytes, 40, 4);  // of what follows, up to the colours
  add_number(bytes, width, 4);
  add_number(bytes, height, 4);
  add_number(bytes, 1, 2);  // planes
  add_number(bytes, 1, 2);  // bits a pixel
  add_number(bytes, 0, 4);  // not packed
  add_number(bytes, row * height, 4);
  add_number(bytes, 2835, 4);  // pixels a metre
  add_number(bytes, 2835, 4);
  add_number(bytes, 2, 4);  // colours
  add_number(bytes, 0, 4);
  add_number(bytes, kGray, 4);
  add_number(bytes, kGray, 4);
  bytes.append(row * height, '\0');
  return make_medium(std::move(bytes));
}

}  // namespace endorm
