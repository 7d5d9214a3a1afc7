#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/remote/remote_http.h"

namespace endorm {

struct ServerPoolOptions {
  std::vector<std::string> urls;  // at least one
  std::string api_key;            // of all; empty: none
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds reply_timeout{600'000};  // for one whole reply
  std::size_t tries = 8;            // of a request, on whatever servers; after that its failure is the caller's
  std::size_t timeout_retries = 0;  // where there is one server: of a reply that did not come in time
  std::chrono::milliseconds backoff{
      500};  // before a try where no server is left, and a dead server's first rest; doubles
  std::chrono::milliseconds longest_rest{30'000};  // of a dead server, before it is asked again
};

// Servers that give the same answers, used at once. A request goes to the server that its key names while that is not
// much busier than others (what has a prompt in common meets there and is computed once), else to the one that has the
// fewest requests of ours. A server that fails is left for a while (at least as long as it says in Retry-After) and
// then asked again; what it was asked goes to another. Thread-safe: callers are what is at once.
class ServerPool {
 public:
  // Does not connect yet. Throws InvalidInput on no URL, or one of another form than RemoteHttp takes.
  explicit ServerPool(ServerPoolOptions options);
  ~ServerPool();

  // Body of the reply with status 200. Throws InvalidInput where a server refuses the request as wrong (another would,
  // too), ServerRefused as RemoteHttp does, ServerUnusable where the last try found no server, EngineError where it
  // failed in another way.
  std::string post(const std::string& path, const std::string& json_body, std::string_view key);

  std::size_t servers() const;

 private:
  class Servers;
  std::unique_ptr<Servers> servers_;
};

}  // namespace endorm
