#pragma once

#include <string>

namespace endorm {

// A connection of bytes to a port of this machine, for what no client library sends.
class Wire {
 public:
  explicit Wire(int port);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void send(const std::string& bytes) const;
  // What comes until the other side ends, or the text is there so many times; at most ten seconds.
  std::string until_end() const { return until("", 0); }
  std::string until(const std::string& text, std::size_t times = 1) const;

 private:
  int socket_ = -1;
};

}  // namespace endorm
