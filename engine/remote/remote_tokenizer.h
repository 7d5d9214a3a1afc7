#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"
#include "engine/remote/remote_dialects.h"
#include "engine/remote/remote_http.h"
#include "engine/remote/remote_replies.h"

namespace endorm {

// Templates and tokenizes with the server's own template and tokenizer, and checks what comes back: the bytes of the
// response tokens must spell the response. One caller at a time.
//
// The server renders the closed turn, so the end-of-turn token is the template's own. It is found behind the text: the
// tokens up to the first that is not blank. SGLang before 0.5.23 renders only open turns: there the end of turn must be
// given as text (`end_of_turn`), and white space behind it cannot be scored.
// Both servers read the names of special tokens inside a message or a response as those tokens. A response that closes
// its own turn this way is refused where the end of turn is known; elsewhere it is not noticed: give text from
// untrusted sources to a local model, which keeps the two apart.
class RemoteTokenizer {
 public:
  // http must outlive this object.
  RemoteTokenizer(RemoteDialect dialect, std::string model, std::string end_of_turn, RemoteHttp& http);

  // As Engine::tokenize. Throws InvalidInput where the template changes the response's text, where its closed turn does
  // not continue its open one, or where an end of turn is asked for that the server does not give; EngineError where
  // the server does not say which bytes a token has (SGLang: tokens that split a character).
  std::vector<TokenizedResponse> tokenize(std::span<const Message> messages, std::span<const ResponseText> responses,
                                          const TemplateOptions& options);
  // As Engine::token_bytes.
  std::string token_bytes(Token token);

 private:
  // Tokens with their bytes, [T] each.
  struct Pieces {
    Tokens tokens;
    std::vector<std::string> bytes;
  };
  // The bytes before the token `first` are left empty where the server would have to be asked for them.
  Pieces pieces(const TokenizeReply& reply, std::size_t first);
  void learn(std::span<const Token> tokens);
  std::vector<std::string> detokenize(std::span<const Tokens> sequences);
  TokenizeReply ask(const RemoteCall& call);
  void check_sayable(std::span<const ResponseText> responses, const TemplateOptions& options) const;
  TokenizedResponse tokenize_closed(const TokenizeReply& prompt, std::span<const Message> messages,
                                    const ResponseText& response, const TemplateOptions& options);
  TokenizedResponse tokenize_open(const TokenizeReply& prompt, std::span<const Message> messages,
                                  const ResponseText& response, const TemplateOptions& options);

  RemoteDialect dialect_;
  std::string model_;
  std::string end_of_turn_;
  TurnRendering rendering_;
  RemoteHttp& http_;
  std::unordered_map<Token, std::string> bytes_;  // of every token met so far
};

}  // namespace endorm
