#pragma once

#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/remote/server_pool.h"
#include "score/scorer.h"

namespace endorm {

enum class ServerShape {
  // POST /classify {"model", "messages", "use_activation": false}, one response each; the server applies its own chat
  // template. The reward is the last entry of data[0].probs. vLLM speaks it for classifiers and reward models.
  kClassify,
  // POST /get_reward {"query", "prompts", "labels"}, up to 32 responses each: prompt and response spelled out with the
  // engine's chat template and special tokens. The rewards are "rewards". OpenRLHF's remote reward models speak it.
  kGetReward,
};

// "classify", "get_reward". Throws InvalidInput on another name, listing these.
ServerShape server_shape_from_name(std::string_view name);

// Rewards that a server gives. A response that it refuses, or answers with anything but a finite number, is an error of
// its own. score throws EngineError where the server cannot be used at all: it is not there, does not let us in, or has
// no such endpoint. Of several servers, which must give the same rewards, each has a few requests at once.
class ServerScorer final : public Scorer {
 public:
  // The engine writes the texts of kGetReward and must outlive the scorer; kClassify does not use it. model may be
  // empty: the server's own choice.
  ServerScorer(const Engine& engine, const TemplateOptions& text, ServerShape shape, std::string model,
               ServerPoolOptions servers);

  std::vector<Scored> score(std::span<const Request> requests) override;

 private:
  struct Question;

  std::vector<double> ask(std::span<const Question> questions);

  const Engine& engine_;
  TemplateOptions text_;
  ServerShape shape_;
  std::string model_;
  ServerPool servers_;
  std::mutex engine_mutex_;  // writing texts; requests are sent by several threads where there are several servers
};

}  // namespace endorm
