#include "app/server/client_words.h"

#include <array>

#include <doctest/doctest.h>

namespace endorm {
namespace {

struct Told {
  const char* reason;
  const char* words;
};

TEST_CASE("reasons without functions and options of the command line") {
  constexpr std::array<Told, 10> kReasons = {{
      {"[score] the response is empty: there is no token", "the response is empty: there is no token"},
      {"records[2]: [chat template] no turn. Leave it out.", "records[2]: no turn. Leave it out."},
      {"[score] 9 tokens, the context holds 8. Use a larger --context, or --on-overflow skip",
       "9 tokens, the context holds 8."},
      {"[queue] it is too long. Give a smaller --context. Send it in parts.", "it is too long. Send it in parts."},
      {"[a] \"--x\" is no field. Keep \"y -- z\".", "\"--x\" is no field. Keep \"y -- z\"."},
      {"field \"[score] a\" stands twice: [1] and [2].", "field \"[score] a\" stands twice: [1] and [2]."},
      {"records[0]: line 1: \"a\" is a JSON string.", "records[0]: \"a\" is a JSON string."},
      {"[RemoteEngine::evaluate] the server is gone", "the server is gone"},
      {"no prompt. Is \"promt\" meant to be \"prompt\"? Map it with --map.",
       "no prompt. Is \"promt\" meant to be \"prompt\"?"},
      {"", ""},
  }};
  for (const Told& told : kReasons) {
    CHECK(client_words(told.reason) == told.words);
  }
}

}  // namespace
}  // namespace endorm
