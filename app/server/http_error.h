#pragma once

#include <exception>
#include <string>

namespace endorm {

// How a failure is told: {"error": {"message", "type", "code"}} with this status.
struct HttpError {
  int status = 500;
  std::string type;
  std::string message;
};

// Of what was thrown: 400 for InvalidInput, 429 for QueueFull, 504 for DeadlinePassed, 503 for EngineError and lack of
// memory, else 500.
HttpError http_error(const std::exception_ptr& thrown);
std::string error_body(const HttpError& error);

// Whether two texts are the same, in a time that depends on their lengths alone.
bool same_secret(const std::string& left, const std::string& right);

}  // namespace endorm
