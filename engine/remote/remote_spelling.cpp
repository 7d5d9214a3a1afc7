#include "engine/remote/remote_spelling.h"

#include <charconv>
#include <optional>
#include <unordered_map>

#include "core/utf8.h"
#include "engine/byte_alphabet.h"

namespace endorm {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

std::unordered_map<std::string, char> bytes_of_spellings() {
  std::unordered_map<std::string, char> bytes;
  for (const std::string& spelling : byte_level_alphabet()) {
    bytes.emplace(spelling, static_cast<char>(bytes.size()));
  }
  return bytes;
}

std::string byte_level_bytes(std::string_view token) {
  static const std::unordered_map<std::string, char> alphabet = bytes_of_spellings();
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    const std::string character(token.substr(at, first_utf8_character(token.substr(at)).bytes));
    const auto known = alphabet.find(character);
    if (known == alphabet.end()) {
      bytes += character;
    } else {
      bytes += known->second;
    }
    at += character.size();
  }
  return bytes;
}

// "<0x0A>" -> the byte 0x0A.
std::optional<char> byte_of(std::string_view token) {
  unsigned value = 0;
  const bool spells_one = token.size() == 6 && token.starts_with("<0x") && token.ends_with('>') &&
                          std::from_chars(token.data() + 3, token.data() + 5, value, 16).ptr == token.data() + 5;
  return spells_one ? std::optional(static_cast<char>(value)) : std::nullopt;
}

std::string sentence_piece_bytes(std::string_view token) {
  if (const auto byte = byte_of(token)) {
    return {*byte};
  }
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    if (token.substr(at).starts_with(kSpaceMark)) {
      bytes += ' ';
      at += kSpaceMark.size();
    } else {
      bytes += token[at++];
    }
  }
  return bytes;
}

}  // namespace

std::string spelled_bytes(VocabularySpelling spelling, std::string_view token) {
  return spelling == VocabularySpelling::kByteLevel ? byte_level_bytes(token) : sentence_piece_bytes(token);
}

VocabularySpelling vocabulary_spelling(std::span<const std::string> tokens) {
  for (const std::string& token : tokens) {
    // A special token of a byte-level vocabulary may carry U+2581 inside (DeepSeek's do), and then nothing is a space.
    const bool special = token.starts_with('<') && token.ends_with('>');
    if (byte_of(token) || (!special && token.find(kSpaceMark) != std::string::npos)) {
      return VocabularySpelling::kSentencePiece;
    }
  }
  return VocabularySpelling::kByteLevel;
}

}  // namespace endorm
