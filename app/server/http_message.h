#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/server/byte_budget.h"

namespace endorm {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

// Where a request came in.
enum class HttpDoor {
  kMain,
  kUnix,    // a socket in the file system, which no web page reaches
  kHealth,  // the port that has health, readiness and metrics alone
};

struct HttpRequest {
  std::string method;
  std::string target;  // as sent
  std::string path;    // of the target, up to "?"
  HttpFields fields;
  std::string body;
  std::size_t body_bytes = 0;  // as they came; the body itself goes once it is read
  ByteRoom room;               // of the body, and of what is read of it
  std::string client;          // its address
  HttpDoor door = HttpDoor::kMain;
  bool is_http_1_0 = false;
  std::chrono::steady_clock::time_point began;  // when all of it was there; of one that is refused: when that was known

  // The first field of that name, in any case; empty: there is none.
  std::string field(std::string_view name) const;
  std::size_t count(std::string_view name) const;
};

struct HttpAnswer {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  HttpFields fields;   // beside type and length
  bool close = false;  // the connection
};

// What a stream has to send next. Nothing and no end: HttpReply::more tells when to ask again.
struct HttpPiece {
  std::string bytes;
  bool end = false;
};

// The way to answer one request, now or later, from any thread. Either send or stream is called, once.
class HttpReply {
 public:
  virtual ~HttpReply() = default;
  virtual void send(HttpAnswer answer) = 0;
  // The head of the answer, and pieces of its body: `next` is called by a thread of the pool whenever the one before is
  // on its way, never twice at once. A client that does not read is not asked for.
  virtual void stream(HttpAnswer head, std::function<HttpPiece()> next) = 0;
  virtual void more() = 0;
  // Called by the thread of the loop where the client leaves before all was sent; at once where it has left already.
  virtual void when_left(std::function<void()> left) = 0;
  // Called by the thread of the loop where nothing was sent or begun until then.
  virtual void when_late(std::chrono::milliseconds after, std::function<void()> late) = 0;
};

// What a server of HTTP does. All are called by the thread of the loop and must not wait.
struct HttpHandler {
  // When the head of a request is there: why its body need not be read; or nothing.
  std::function<std::optional<HttpAnswer>(const HttpRequest& head)> admit;
  // When all of it is there.
  std::function<void(std::shared_ptr<HttpRequest> request, std::shared_ptr<HttpReply> reply)> handle;
  // The answer to what is no request of HTTP (400, 417, 505), too large (413, 431), too slow (408), or more than there
  // is room for now (429).
  std::function<HttpAnswer(const HttpRequest& head, int status)> fault;
};

// What a connection may take.
struct HttpLimits {
  // All bodies together, from their first byte, and answers that clients have not taken yet.
  std::shared_ptr<ByteBudget> budget = std::make_shared<ByteBudget>(std::size_t{256} << 20U);
  std::size_t body_bytes = 16U << 20U;
  std::size_t head_bytes = 64U << 10U;
  std::chrono::milliseconds head_time{10'000};      // from its first byte to its last
  std::chrono::milliseconds body_time{60'000};      // the same of the body
  std::chrono::milliseconds silence{15'000};        // of a body that is on its way
  std::chrono::milliseconds write_silence{60'000};  // of a client that does not take its answer
  std::chrono::milliseconds keep_alive{75'000};     // between two requests, and before the first
};

// The head of an answer as bytes, up to the empty line. length: none where the body comes in chunks or until the end.
std::string http_head(const HttpAnswer& answer, std::optional<std::size_t> length, bool chunked, bool keep_alive,
                      bool is_http_1_0);

}  // namespace endorm
