#include "score/token_texts.h"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/random.h"
#include "engine/tabular_engine.h"

namespace endorm {
namespace {

const std::string kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Tokens that spell what the test says: token t is pieces[t].
class PiecesEngine : public TabularEngine {
 public:
  explicit PiecesEngine(std::vector<std::string> pieces)
      : TabularEngine(pieces.size(), LogitTable{}), pieces_(std::move(pieces)) {}
  std::string token_bytes(Token token) const override { return pieces_.at(static_cast<std::size_t>(token)); }

 private:
  std::vector<std::string> pieces_;
};

std::vector<std::string> texts_of(const std::vector<std::string>& pieces) {
  if (pieces.empty()) {
    return token_texts(PiecesEngine({""}), Tokens{});
  }
  Tokens tokens;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    tokens.push_back(static_cast<Token>(i));
  }
  return token_texts(PiecesEngine(pieces), tokens);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    all += text;
  }
  return all;
}

bool valid_utf8(const std::string& text) {
  try {
    // json refuses to write what is not UTF-8: the same rule by which a row could not be written.
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

TEST_CASE("texts of tokens, with characters that are spread over tokens and bytes that are none") {
  using Texts = std::vector<std::string>;
  const std::string r = kReplacement;
  struct Case {
    const char* name;
    Texts pieces;
    Texts texts;
  };
  const std::vector<Case> cases = {
      {"no tokens", {}, {}},
      {"plain", {"Hel", "lo", " you"}, {"Hel", "lo", " you"}},
      {"an empty piece", {"a", "", "b"}, {"a", "", "b"}},
      {"a NUL byte", {std::string("a\0b", 3)}, {std::string("a\0b", 3)}},
      {"two bytes over two tokens", {"\xC3", "\xA9"}, {"", "\xC3\xA9"}},
      {"three bytes, one a token", {"\xE2", "\x82", "\xAC"}, {"", "", "\xE2\x82\xAC"}},
      {"four bytes over two tokens, text around", {"a\xF0\x9F", "\x98\x80z"}, {"a", "\xF0\x9F\x98\x80z"}},
      {"one ends and the next begins in a token", {"\xC3", "\xA9\xC3", "\xA8"}, {"", "\xC3\xA9", "\xC3\xA8"}},
      {"a response that ends inside a character", {"a", "\xE2\x82"}, {"a", r}},
      {"a lone continuation byte",
       {"a\x80"
        "b"},
       {"a" + r + "b"}},
      {"bytes that UTF-8 never uses", {"\xFF", "\xFE", "\xC0"}, {r, r, r}},
      {"a character that is broken off by another token", {"\xE2\x82", "x"}, {"", r + "x"}},
      {"an overlong slash", {"\xC0\xAF"}, {r + r}},
      {"a lone surrogate", {"\xED\xA0\x80"}, {r + r + r}},
      {"beyond U+10FFFF", {"\xF4\x90\x80\x80"}, {r + r + r + r}},
      {"the last character that there is", {"\xF4\x8F\xBF", "\xBF"}, {"", "\xF4\x8F\xBF\xBF"}},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(texts_of(c.pieces) == c.texts);
  }
}

// A character of 1 to 4 bytes.
std::string random_character(RandomStream& random) {
  const std::vector<std::string> characters = {"a",
                                               " ",
                                               "\n",
                                               "\xC3\xA9",
                                               "\xDF\xBF",
                                               "\xE2\x82\xAC",
                                               "\xED\x9F\xBF",
                                               "\xEF\xBF\xBD",
                                               "\xF0\x9F\x98\x80",
                                               "\xF4\x8F\xBF\xBF"};
  return characters[random.below(characters.size())];
}

std::vector<std::string> random_pieces(const std::string& text, RandomStream& random) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = 1 + random.below(4);
    pieces.push_back(text.substr(at, length));
    at += length;
  }
  return pieces;
}

TEST_CASE("the texts concatenate to the response however it is cut into tokens") {
  const std::uint64_t seed = 7;
  INFO("seed ", seed);
  RandomStream random(seed);
  for (int trial = 0; trial < 1000; ++trial) {
    CAPTURE(trial);
    std::string text;
    for (std::size_t i = 1 + random.below(20); i > 0; --i) {
      text += random_character(random);
    }
    const std::vector<std::string> pieces = random_pieces(text, random);
    const std::vector<std::string> texts = texts_of(pieces);
    CHECK(texts.size() == pieces.size());
    CHECK(joined(texts) == text);
    for (const std::string& one : texts) {
      CHECK(valid_utf8(one));
    }
  }
}

TEST_CASE("random bytes give valid UTF-8, the same whole however they are cut") {
  const std::uint64_t seed = 8;
  INFO("seed ", seed);
  RandomStream random(seed);
  for (int trial = 0; trial < 1000; ++trial) {
    CAPTURE(trial);
    std::string bytes;
    for (std::size_t i = 1 + random.below(20); i > 0; --i) {
      bytes += random.below(3) == 0 ? random_character(random) : std::string(1, static_cast<char>(random.below(256)));
    }
    const std::vector<std::string> texts = texts_of(random_pieces(bytes, random));
    for (const std::string& one : texts) {
      CHECK(valid_utf8(one));
    }
    CHECK(joined(texts) == joined(texts_of({bytes})));
  }
}

}  // namespace
}  // namespace endorm
