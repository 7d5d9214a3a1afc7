#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "app/server/http_message.h"
#include "app/server/http_stream.h"

namespace endorm {

// What the connections of a server share; outlives them.
struct HttpHouse {
  using Do = std::function<void(std::function<void()> act)>;

  HttpHouse(boost::asio::io_context& of, const HttpLimits& limited, HttpHandler handling)
      : loop(of), limits(limited), handler(std::move(handling)) {}

  boost::asio::io_context& loop;
  HttpLimits limits;
  HttpHandler handler;
  Do work;      // by a thread of the pool
  Do dispatch;  // by the thread of the loop, at once where that asks
  Do post;      // by the thread of the loop, later
  std::atomic<std::size_t> connections = 0;
  std::atomic<std::size_t> busy = 0;                  // requests that were taken and whose answers are not sent yet
  std::map<const void*, std::function<void()>> open;  // how each connection is ended; for the thread of the loop
};

// Serves requests, one after the other, until the connection ends; owns itself until then. Called by the thread of the
// loop.
void serve_connection(HttpHouse& house, std::unique_ptr<ByteStream> stream, HttpDoor door, std::string client);

}  // namespace endorm
