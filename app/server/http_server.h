#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "app/server/http_message.h"

namespace endorm {

// HTTP/1.1 from one thread, which waits for all connections at once, and a few that do what takes time. Connections are
// limited by file descriptors alone.
class HttpServer {
 public:
  HttpServer(const HttpLimits& limits, HttpHandler handler, std::size_t threads);
  // What was begun is ended first.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Connections are spoken to in TLS from then on, those of the health door excepted. Before listen.
  void use_tls(const std::string& certificate, const std::string& key);
  // Takes a port (0: any that is free), which it returns. Throws EngineError where it cannot be had.
  int listen(const std::string& host, int port, HttpDoor door);
  // The same with a socket in the file system, for this user alone; removed at the end. Replaces one that nobody
  // listens at; throws EngineError where another server does, InvalidInput where something else is there.
  void listen_unix(const std::string& path);

  // Serves until stop().
  void run();
  // Does something every so often, by the thread of the loop, which must not wait.
  void every(std::chrono::milliseconds period, std::function<void()> act);
  // From any thread: has a thread of the pool do something.
  void work(std::function<void()> act);
  std::size_t connections() const;
  // Requests that were taken and whose answers are not sent yet.
  std::size_t busy() const;
  // Ends run() and all connections. From any thread.
  void stop();
  // Waits for what work() was given; what it is given later is never done. Behind run().
  void join();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// Allows this process as many open files as it may have.
void raise_file_limit();

}  // namespace endorm
