#pragma once

#include <cstddef>
#include <memory>

#include "engine/medium.h"

namespace endorm {

struct ImageSize {
  std::size_t width = 0;  // pixels
  std::size_t height = 0;
};

// What an image's header says, before any of its pixels is read. Throws InvalidInput where it cannot be read, says no
// pixels, or more than 50 Mi.
ImageSize image_size(const Medium& medium);

// A gray image of the same size.
std::shared_ptr<const Medium> blank_image_like(const Medium& medium);

}  // namespace endorm
