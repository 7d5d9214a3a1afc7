#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/server/http_message.h"
#include "app/server/served_model.h"

namespace endorm {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8000;                         // 0: any that is free
  std::string unix_socket;                 // served in the place of host and port; empty: not
  std::optional<int> health_port;          // of the same host, for health, readiness and metrics alone; 0: any
  std::vector<std::string> api_keys;       // of which every request must bring one as a bearer token; none: no key
  std::string api_key_file;                // has others, one a line; empty: there is none
  std::vector<std::string> allowed_hosts;  // names of this server, beside those of the machine itself
  std::string tls_certificate;             // files in PEM; empty: no TLS
  std::string tls_key;
  HttpLimits limits;
  std::chrono::milliseconds timeout{600'000};        // of a request, its wait included
  std::chrono::milliseconds drain{60'000};           // how long stop() waits for what was taken
  std::chrono::milliseconds ready_within{60'000};    // a queue that has not moved for longer is not ready
  std::string version;                               // for /metrics
  std::function<void(const std::string& line)> log;  // takes one JSON line a request; none: no log
  // Loads what POST /v1/load asks for, by a thread of its own; none: no such route.
  std::function<ServedModel(const ModelOrder& order)> load;
  std::function<void(const std::string& line)> say;  // takes what is said once to whoever runs the server; none: nobody
};

// Rewards over HTTP, in every protocol of protocol_routes(), and /v1/completions, /v1/models, /health, /ready,
// /metrics, /openapi.json, /docs and the page at /. `log` and `say` must not wait: they are called between answers.
class RewardServer {
 public:
  // Throws InvalidInput where another than a loopback address is to be served without a key, and on keys and
  // certificates that cannot be used.
  explicit RewardServer(ServerOptions options);
  ~RewardServer();

  // Takes the port; returns it (0 for a socket in the file system). Throws EngineError where it cannot be had.
  int bind();
  int health_port() const;  // behind bind()
  // What is served from now on; until then all but health, readiness and metrics is answered with status 503. Once.
  // Throws InvalidInput where two models have one name.
  void take(std::vector<ServedModel> models);
  // Reads the file of keys again. Throws InvalidInput, and keeps the keys that there were, where it cannot be used.
  void read_keys_again();
  // Serves until stop() has been called and what was taken is answered.
  void run();
  // Takes no new requests (they are answered with status 503), waits for those that were taken, at most
  // ServerOptions::drain, and ends run(); returns whether all was answered. May be called from another thread, once.
  bool stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace endorm
