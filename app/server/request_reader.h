#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "app/server/http_message.h"

namespace endorm {

// The bytes of a connection as requests, one after the other. For one thread.
class RequestReader {
 public:
  enum class Found {
    kNothing,  // more bytes are needed
    kHead,     // of the next request: request() has all but its body
    kPart,     // of the body
    kWhole,    // request() has its body
    kFault,    // these are no request: fault() says with which status to refuse them
  };

  explicit RequestReader(std::size_t most_head_bytes);
  ~RequestReader();

  void add(const char* bytes, std::size_t count);
  std::size_t waiting() const { return buffer_.size(); }  // bytes that are not read yet
  void drop() { buffer_.clear(); }                        // these
  // What comes next; to be asked again until it is nothing, whole or a fault.
  Found next();
  // The next request begins.
  void begin();
  // What was read of a body is not needed.
  void drop_body();

  // The one that is being read; what is known of it.
  const std::shared_ptr<HttpRequest>& request() const { return request_; }
  int fault() const { return fault_; }
  // Where its head is none, or not whole: request() has what can be made out of it, for the log.
  void read_broken_head();
  // Behind its head:
  bool keep_alive() const;
  bool has_body() const;                             // that is not read yet
  std::optional<std::uint64_t> body_length() const;  // none: it comes in chunks
  std::size_t body_bytes() const;                    // that were read

 private:
  struct Parser;
  Found refuse(int status);
  void take_head();
  Found read_head();

  std::size_t most_head_bytes_;
  std::string buffer_;
  std::unique_ptr<Parser> parser_;  // none: nothing of the request is there
  std::shared_ptr<HttpRequest> request_;
  int fault_ = 0;
};

}  // namespace endorm
