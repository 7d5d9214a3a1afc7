#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "app/engine_settings.h"
#include "app/server/reward_queue.h"
#include "app/server/served_model.h"
#include "score/score_options.h"

namespace endorm {

// What a user says of all models of a server.
struct ServingSettings {
  EngineSettings engine;
  RewardOptions scoring;
  QueueOptions queue;
  std::string turn_opening;  // empty: the model's own
  std::string turn_cut = "turn";
  std::optional<double> unscored;
  std::size_t kept_tokens = 8192;
};

// Loads a model (downloading it if need be), as it is served. Throws what loading throws, and InvalidInput where the
// engine cannot give the rewards that the settings ask for.
ServedModel load_served_model(const ServingSettings& settings, const ModelOrder& order);

}  // namespace endorm
