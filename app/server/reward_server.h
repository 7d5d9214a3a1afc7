#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/server/served_model.h"

namespace endorm {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8000;                                   // 0: any that is free
  std::string api_key;                               // what every request must bring as a bearer token; empty: none
  std::size_t body_bytes = 16U << 20U;               // of a request; a larger one is refused
  std::size_t connections = 256;                     // served at once, a thread each; more wait
  std::chrono::milliseconds timeout{600'000};        // of a request, its wait included
  std::chrono::milliseconds drain{60'000};           // how long stop() waits for what was taken
  std::function<void(const std::string& line)> log;  // takes one JSON line a request; none: no log
  std::function<void(const std::string& line)> say;  // takes what is said once to whoever runs the server; none: nobody
};

// Rewards over HTTP, in every protocol of protocol_routes(), and /v1/completions, /v1/models, /health, /metrics,
// /openapi.json, /docs and the page at /.
class RewardServer {
 public:
  // Throws InvalidInput where two models have one name, or another than a loopback address is to be served without a
  // key.
  RewardServer(std::vector<ServedModel> models, ServerOptions options);
  ~RewardServer();

  // Takes the port; returns it. Throws EngineError where it cannot be had.
  int bind();
  // Serves until stop() has been called and what was taken is answered.
  void run();
  // Takes no new requests (they are answered with status 503), waits for those that were taken, at most
  // ServerOptions::drain, and ends run(). May be called from another thread, once.
  void stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace endorm
