#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "core/errors.h"

namespace endorm {

// No request will be answered: the server is not there (after all retries), does not let us in, or has no such path.
class ServerUnusable : public EngineError {
 public:
  using EngineError::EngineError;
};
// It is there and says no, as it would again: a key, a path or a model that it does not know, a quota that is used up.
class ServerRefused final : public ServerUnusable {
 public:
  ServerRefused(const std::string& message, int answered, std::string words)
      : ServerUnusable(message), status(answered), said(std::move(words)) {}

  int status;        // 401, 402, 403, 404, 405 or 429
  std::string said;  // in the server's words
};

// It answers another time (408, 429, 500, 502, 503, 504, 529), and may have said when.
class ServerBusy final : public EngineError {
 public:
  ServerBusy(const std::string& message, std::chrono::seconds wait) : EngineError(message), again_in(wait) {}

  std::chrono::seconds again_in;  // 0: it did not say
};

struct RemoteHttpOptions {
  std::string url;      // http:// or https://, host, port, perhaps a path; a "/v1" at its end is dropped
  std::string api_key;  // sent as a bearer token; empty: none
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds reply_timeout{600'000};  // for one whole reply
  std::size_t retries = 4;                           // after a lost connection or a status that is ServerBusy
  std::size_t timeout_retries = 0;                   // after a reply that did not come in time, among those
  std::chrono::milliseconds backoff{500};            // before the first retry; doubles each time
  std::chrono::seconds longest_wait{30};             // where a server says in Retry-After when to come again
};

// One connection to a server, kept alive. One caller at a time.
//
// A time-out is not tried again unless that is asked for: the server would still be busy with the first try. Nor is a
// status 429 of a quota that is used up ("insufficient_quota").
class RemoteHttp {
 public:
  // Does not connect yet. Throws InvalidInput on a URL of another form.
  explicit RemoteHttp(RemoteHttpOptions options);
  ~RemoteHttp();

  // Body of the reply with status 200; path begins with "/". Throws InvalidInput where the server refuses the request
  // as wrong (400, 413, 422), ServerUnusable on a connection that fails, ServerRefused on 401, 403, 404, 405 and an
  // account without credit (402, some 429), ServerBusy after the last retry of what may pass, EngineError on any other
  // status or a time-out: each names the address and what the server said.
  std::string get(const std::string& path);
  std::string post(const std::string& path, const std::string& json_body);

  // The address without "/v1" and without a slash at its end.
  const std::string& base_url() const;

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace endorm
