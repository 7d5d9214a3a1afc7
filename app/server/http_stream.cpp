#include "app/server/http_stream.h"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl.hpp>
#include <sys/socket.h>

#include "core/errors.h"

namespace endorm {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

// How asio tells of an end: as an error of its own.
auto told(ByteStream::Done done) {
  return [done = std::move(done)](const error_code& error, std::size_t bytes) {
    const bool ended = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
    done(!error || ended, ended ? 0 : bytes);
  };
}

class PlainStream : public ByteStream {
 public:
  explicit PlainStream(Socket socket) : socket_(std::move(socket)) {}

  void open(std::function<void(bool)> done) override { done(true); }
  void read_some(char* into, std::size_t most, Done done) override {
    socket_.async_read_some(asio::buffer(into, most), told(std::move(done)));
  }
  void write_some(const char* bytes, std::size_t count, Done done) override {
    socket_.async_write_some(asio::buffer(bytes, count), told(std::move(done)));
  }
  void end() override {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
};

class TlsStream : public ByteStream {
 public:
  TlsStream(Socket socket, asio::ssl::context& tls) : stream_(std::make_shared<Stream>(std::move(socket), tls)) {}

  void open(std::function<void(bool)> done) override {
    stream_->async_handshake(asio::ssl::stream_base::server,
                             [keep = stream_, done = std::move(done)](const error_code& error) { done(!error); });
  }
  void read_some(char* into, std::size_t most, Done done) override {
    stream_->async_read_some(asio::buffer(into, most), told(std::move(done)));
  }
  void write_some(const char* bytes, std::size_t count, Done done) override {
    stream_->async_write_some(asio::buffer(bytes, count), told(std::move(done)));
  }
  void end() override {
    stream_->async_shutdown([keep = stream_](const error_code&) {});
  }
  void close() override {
    error_code ignored;
    stream_->lowest_layer().close(ignored);
  }

 private:
  using Stream = asio::ssl::stream<Socket>;
  std::shared_ptr<Stream> stream_;
};

}  // namespace

std::unique_ptr<ByteStream> make_byte_stream(asio::io_context& loop, int socket, bool is_unix, bool is_v6,
                                             asio::ssl::context* tls) {
  const int family = is_unix ? AF_UNIX : is_v6 ? AF_INET6 : AF_INET;
  Socket owned(loop, asio::generic::stream_protocol(family, 0), socket);
  if (tls) {
    return std::make_unique<TlsStream>(std::move(owned), *tls);
  }
  return std::make_unique<PlainStream>(std::move(owned));
}

std::shared_ptr<asio::ssl::context> tls_context(const std::string& certificate, const std::string& key) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                       asio::ssl::context::no_tlsv1_1);
  const auto check = [](const error_code& error, const std::string& what) {
    if (error) {
      throw InvalidInput("[serve] " + what + ": " + error.message() +
                         ". PEM is expected, and a key without a password.");
    }
  };
  error_code error;
  context->use_certificate_chain_file(certificate, error);
  check(error, "--tls-certificate " + certificate);
  // A key that asks for a password would otherwise ask whoever sits before the terminal.
  context->set_password_callback([](std::size_t, asio::ssl::context::password_purpose) { return std::string(); });
  context->use_private_key_file(key, asio::ssl::context::pem, error);
  check(error, "--tls-key " + key);
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    throw InvalidInput("[serve] --tls-key " + key + " is not the key of --tls-certificate " + certificate + ".");
  }
  return context;
}

}  // namespace endorm
