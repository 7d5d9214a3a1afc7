#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/server/protocol.h"
#include "app/server/reward_queue.h"

namespace endorm {

// A model that a server is to have.
struct ModelOrder {
  std::string model;                                      // its name
  std::string path;                                       // what --model takes
  std::optional<std::vector<std::string>> adapters = {};  // as --lora takes them; none: those of the command line
};

// One model that a server has.
struct ServedModel {
  std::string name;
  std::unique_ptr<RewardQueue> queue;
  ProtocolContext context;   // id and created are a request's
  std::string description;   // of the model's file, for /v1/models
  std::int64_t created = 0;  // when the server had it, seconds since 1970
  std::string summary = {};  // what it is and how it computes: a line for the log; empty: none
};

}  // namespace endorm
