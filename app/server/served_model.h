#pragma once

#include <memory>
#include <string>

#include "app/server/protocol.h"
#include "app/server/reward_queue.h"

namespace endorm {

// One model that a server has.
struct ServedModel {
  std::string name;
  std::unique_ptr<RewardQueue> queue;
  ProtocolContext context;  // id and created are a request's
  std::string description;  // of the model's file, for /v1/models
};

}  // namespace endorm
