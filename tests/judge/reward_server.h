#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace endorm {

// An HTTP server on the loopback that answers /classify and /get_reward as servers of reward models do. The reward of a
// text is what `rule` says; a text that the rule throws on is refused with status 400.
class RewardModelServer {
 public:
  using Rule = std::function<double(const std::string& text)>;
  // May change status and body of an answer. Called with the path and the bodies of the question.
  using Meddle =
      std::function<void(const std::string& path, const nlohmann::json& asked, int& status, std::string& answer)>;

  explicit RewardModelServer(Rule rule);
  ~RewardModelServer();

  std::string url() const;
  void stop();  // from then on connections are refused
  void meddle(Meddle with);
  void require_key(std::string key);
  // The bodies that were posted, in order; those of refused requests among them.
  std::vector<nlohmann::json> asked() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace endorm
