#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/token_tree.h"

namespace endorm {

enum class MediumKind { kImage, kAudio };

// A picture or a sound as its file holds it.
struct Medium {
  std::string bytes;   // of the file
  std::string sha256;  // of the bytes, in hex
  MediumKind kind = MediumKind::kImage;

  bool operator==(const Medium& other) const { return sha256 == other.sha256; }
};

// Of the bytes of a PNG, JPEG, GIF or BMP picture, or a WAV, MP3 or FLAC sound, told by what they begin with. Throws
// InvalidInput where they are none of these.
std::shared_ptr<const Medium> make_medium(std::string bytes);

// A medium in the content of a message.
struct PlacedMedium {
  std::size_t offset = 0;                     // the byte of the content that it stands before
  std::string source;                         // where it comes from, as it was given: a path, or a data: URI
  std::shared_ptr<const Medium> medium = {};  // nullptr: it was not read yet

  bool operator==(const PlacedMedium& other) const {
    return offset == other.offset &&
           (medium && other.medium ? *medium == *other.medium : !medium && !other.medium && source == other.source);
  }
};

// A model reads a medium as so many vectors as its encoder makes of it, each in the place of a token. Such a place has
// a token below zero, made of what is encoded and of the place: paths through a tree share a medium where it is the
// same, and a key of tokens is a key of what they stand for.
Token medium_token(std::string_view content, std::size_t place);
inline bool is_medium(Token token) { return token < 0; }
// The first place of a medium; what follows it belongs to it until another begins or a token stands there.
bool begins_medium(Token token);

}  // namespace endorm
