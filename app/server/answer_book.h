#pragma once

#include <atomic>
#include <functional>
#include <set>
#include <string>

#include "app/server/http_error.h"
#include "app/server/http_message.h"
#include "app/server/metrics.h"
#include "app/server/text_notes.h"

namespace endorm {

// What was noticed about the texts of one request.
using Notes = std::set<TextNote>;

// Every answer of a server goes through it: into its log, its counts, and with the request's id to the client.
// Thread-safe.
class AnswerBook {
 public:
  // log: takes one JSON line a request; none: no log.
  AnswerBook(Metrics& metrics, std::function<void(const std::string& line)> log);

  // What the client calls its request (X-Request-Id), or a name that no other request has.
  std::string id_of(const HttpRequest& request);
  // The answer, as it is to be sent. route: one that the server has, or "other".
  HttpAnswer noted(const HttpRequest& request, const std::string& id, const std::string& route, HttpAnswer answer,
                   const Notes& notes = {});

 private:
  Metrics& metrics_;
  std::function<void(const std::string& line)> log_;
  std::string prefix_;  // of ids; another in each process
  std::atomic<std::uint64_t> ids_ = 0;
};

HttpAnswer error_answer(const HttpError& error);

}  // namespace endorm
