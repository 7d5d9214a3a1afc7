#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace endorm {

// An HTTP server on the loopback with the model "judge-1" behind /v1/chat/completions, in OpenAI's shape; another model
// is refused as OpenAI refuses it. It reads 100 tokens of each question and writes 3.
class ChatModelServer {
 public:
  // The content of the reply to a question.
  using Rule = std::function<std::string(const nlohmann::json& asked)>;
  // May change status and body of an answer, or wait before it is sent. count: questions so far, this one among them.
  using Meddle = std::function<void(std::size_t count, const nlohmann::json& asked, int& status, std::string& answer)>;

  explicit ChatModelServer(Rule rule);
  ~ChatModelServer();

  std::string url() const;
  void stop();  // from then on connections are refused
  void meddle(Meddle with);
  void require_key(std::string key);
  // The bodies that were posted, in the order in which they came; those of refused requests among them.
  std::vector<nlohmann::json> asked() const;
  std::size_t most_at_once() const;  // questions being answered at the same time

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace endorm
