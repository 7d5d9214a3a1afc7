#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/remote/remote_dialects.h"
#include "engine/tabular_engine.h"

namespace endorm {

// An HTTP server on the loopback whose numbers come from an exact tabular engine, behind the endpoints of one dialect.
// Its vocabulary is a small byte-level one with a greedy tokenizer, its chat template
//   <|bos|>(<|user|>content<|end|>\n)*<|assistant|>
// As the real servers do, it reads the names of special tokens inside a text as those tokens.
class RemoteTabularServer {
 public:
  static constexpr std::size_t kVocabulary = 16;
  static constexpr std::size_t kContext = 64;

  // What a test may do to one answer: change the status, the body, or wait.
  struct Answer {
    int status = 200;
    std::string body;
    std::string retry_after = {};  // the header; empty: none
  };
  using Meddle = std::function<void(const std::string& path, Answer& answer)>;

  explicit RemoteTabularServer(RemoteDialect dialect);
  ~RemoteTabularServer();

  std::string url() const;
  void stop();  // from then on connections are refused

  void meddle(Meddle with);           // called on every answer, one at a time
  void speak_older_sglang();          // before 0.5.23: closed turns are not rendered, the field for it is ignored
  void require_key(std::string key);  // status 401 without it
  std::size_t asked(const std::string& path) const;  // how often

  // The numbers, asked for directly.
  std::vector<TokenStats> evaluate(const TokenTree& tree);
  static Tokens encode(const std::string& text);
  static std::string bytes(Token token);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace endorm
