#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
namespace ssl {
class context;
}
}  // namespace boost::asio

namespace endorm {

// The bytes of one connection, plain or behind TLS. Used by the thread of the loop, which calls what is given to it.
class ByteStream {
 public:
  // ok and 0 bytes: the other side has ended its part. Not ok: the connection is no more.
  using Done = std::function<void(bool ok, std::size_t bytes)>;

  virtual ~ByteStream() = default;
  // Agrees on TLS where that is spoken.
  virtual void open(std::function<void(bool ok)> done) = 0;
  virtual void read_some(char* into, std::size_t most, Done done) = 0;
  virtual void write_some(const char* bytes, std::size_t count, Done done) = 0;
  // Ends this side's part.
  virtual void end() = 0;
  // Ends all; what was begun is told that it failed.
  virtual void close() = 0;
};

// Of a connected socket, which it owns. tls: none, or how TLS is spoken; outlives the stream.
std::unique_ptr<ByteStream> make_byte_stream(boost::asio::io_context& loop, int socket, bool is_unix, bool is_v6,
                                             boost::asio::ssl::context* tls);

// A certificate (with its chain) and its key, in PEM. Throws InvalidInput where they cannot be used.
std::shared_ptr<boost::asio::ssl::context> tls_context(const std::string& certificate, const std::string& key);

}  // namespace endorm
