#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace endorm {

// How a vocabulary spells the bytes of its tokens. A server that names its tokens names them so.
enum class VocabularySpelling {
  kByteLevel,      // every byte is one printable character: a space is U+0120 (GPT-2 and what follows it)
  kSentencePiece,  // text as it is, a space is U+2581, a byte outside the vocabulary is <0xNN>
};

// The bytes behind one spelling. A character that the form does not know stands for itself: special tokens are spelled
// out in both.
std::string spelled_bytes(VocabularySpelling spelling, std::string_view token);

// The form that these tokens are spelled in: kSentencePiece where one carries a mark of it, kByteLevel where none does.
// Give a whole prompt: short texts may lack the mark. Whoever relies on it checks the bytes against a known text.
VocabularySpelling vocabulary_spelling(std::span<const std::string> tokens);

}  // namespace endorm
