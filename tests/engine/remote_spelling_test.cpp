#include "engine/remote/remote_spelling.h"

#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace endorm {
namespace {

constexpr VocabularySpelling kByteLevel = VocabularySpelling::kByteLevel;
constexpr VocabularySpelling kSentencePiece = VocabularySpelling::kSentencePiece;

std::string utf8(unsigned code) {
  if (code < 0x80) {
    return std::string(1, static_cast<char>(code));
  }
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

TEST_CASE("byte-level spellings become the bytes they stand for") {
  CHECK(spelled_bytes(kByteLevel, utf8(0x120) + "the") == " the");
  CHECK(spelled_bytes(kByteLevel, utf8(0x10A)) == "\n");
  CHECK(spelled_bytes(kByteLevel, utf8(0x109)) == "\t");
  CHECK(spelled_bytes(kByteLevel, utf8(0xC3) + utf8(0xA9)) == "\xC3\xA9");
  CHECK(spelled_bytes(kByteLevel, utf8(0x143)) == "\xAD");
  CHECK(spelled_bytes(kByteLevel, "<|im_end|>") == "<|im_end|>");
  // Characters outside the alphabet stand for themselves: U+FF5C and U+2581 in a special token.
  const std::string special =
      "<\xEF\xBD\x9C"
      "end\xE2\x96\x81of\xE2\x96\x81turn\xEF\xBD\x9C>";
  CHECK(spelled_bytes(kByteLevel, special) == special);
  CHECK(spelled_bytes(kByteLevel, "\xE2\x96").size() == 2);  // a cut character is not read beyond its end
}

TEST_CASE("the byte-level alphabet has one character for each of the 256 bytes") {
  std::set<std::string> bytes;
  for (unsigned code = 0x21; code < 0x144; ++code) {
    const std::string value = spelled_bytes(kByteLevel, utf8(code));
    if (value.size() == 1) {
      bytes.insert(value);
    }
  }
  CHECK(bytes.size() == 256);
}

TEST_CASE("SentencePiece spellings become the bytes they stand for") {
  CHECK(spelled_bytes(kSentencePiece, "\xE2\x96\x81the") == " the");
  CHECK(spelled_bytes(kSentencePiece, "\xE2\x96\x81\xE2\x96\x81") == "  ");
  CHECK(spelled_bytes(kSentencePiece, "<0x0A>") == "\n");
  CHECK(spelled_bytes(kSentencePiece, "<0xE9>") == "\xE9");
  CHECK(spelled_bytes(kSentencePiece, "<0xZZ>") == "<0xZZ>");
  CHECK(spelled_bytes(kSentencePiece, "\xC3\xA9") == "\xC3\xA9");
  CHECK(spelled_bytes(kSentencePiece, "</s>") == "</s>");
}

TEST_CASE("the form of a vocabulary is told by its marks") {
  using Spellings = std::vector<std::string>;
  CHECK(vocabulary_spelling(Spellings{"a", utf8(0x120) + "b"}) == kByteLevel);
  CHECK(vocabulary_spelling(Spellings{"a",
                                      "\xE2\x96\x81"
                                      "b"}) == kSentencePiece);
  CHECK(vocabulary_spelling(Spellings{"a", "<0x0A>"}) == kSentencePiece);
  CHECK(vocabulary_spelling(Spellings{"<end\xE2\x96\x81of\xE2\x96\x81turn>", "a"}) == kByteLevel);
  CHECK(vocabulary_spelling(Spellings{}) == kByteLevel);
}

}  // namespace
}  // namespace endorm
