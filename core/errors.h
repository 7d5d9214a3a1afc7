#pragma once

#include <stdexcept>
#include <string>

namespace endorm {

// Three kinds of error, by whose fault it is. The message names function, fact, value and remedy.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The caller's: a bad record, option or file. Command line exit status 2, HTTP 400, ValueError.
class InvalidInput : public Error {
 public:
  using Error::Error;
};

// The world's: a model that does not load, a full disk, a server that does not answer. Exit status 1, HTTP 502/503.
class EngineError : public Error {
 public:
  using Error::Error;
};

// Ours: a check inside EndoRM failed. Exit status 70, HTTP 500.
class InternalError : public Error {
 public:
  using Error::Error;
};

}  // namespace endorm
