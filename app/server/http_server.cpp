#include "app/server/http_server.h"

#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/server/http_connection.h"
#include "core/errors.h"

namespace endorm {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Unix = asio::local::stream_protocol;

constexpr std::chrono::milliseconds kNoneLeft{100};  // until descriptors are asked for again

std::string address_of(const Tcp::socket& socket) {
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  return error ? "" : remote.address().to_string();
}
std::string address_of(const Unix::socket&) { return "unix"; }

}  // namespace

class HttpServer::Implementation {
 public:
  Implementation(const HttpLimits& limits, HttpHandler handler, std::size_t threads)
      : pool_(threads), house_{loop_, limits, std::move(handler)} {
    house_.work = [this](std::function<void()> act) { work(std::move(act)); };
    house_.dispatch = [this](std::function<void()> act) { asio::dispatch(loop_, std::move(act)); };
    house_.post = [this](std::function<void()> act) { asio::post(loop_, std::move(act)); };
  }

  ~Implementation() {
    ending_ = true;
    pool_.join();
    for (const std::string& path : paths_) {
      std::error_code ignored;
      std::filesystem::remove(path, ignored);
    }
    loop_.restart();
    close_all();  // what the loop still holds of connections is let go
    loop_.poll();
  }

  void use_tls(const std::string& certificate, const std::string& key) { tls_ = tls_context(certificate, key); }

  int listen(const std::string& host, int port, HttpDoor door) {
    auto acceptor = std::make_shared<Tcp::acceptor>(loop_);
    try {
      Tcp::resolver resolver(loop_);
      const auto found = resolver.resolve(host, std::to_string(port), Tcp::resolver::passive);
      acceptor->open(found.begin()->endpoint().protocol());
      acceptor->set_option(Tcp::acceptor::reuse_address(true));
      acceptor->bind(found.begin()->endpoint());
      acceptor->listen();
    } catch (const boost::system::system_error& error) {
      throw EngineError("[serve] " + host + ":" + std::to_string(port) +
                        " cannot be had: another program has it, or it is not allowed (" + error.code().message() +
                        "). Give another --port.");
    }
    const int taken = acceptor->local_endpoint().port();
    accept_from(std::move(acceptor), door);
    return taken;
  }

  void listen_unix(const std::string& path) {
    refuse_to_replace(path);
    auto acceptor = std::make_shared<Unix::acceptor>(loop_);
    try {
      acceptor->open();
      acceptor->bind(Unix::endpoint(path));
      paths_.push_back(path);
      if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) {  // before anyone can connect
        throw std::system_error(errno, std::generic_category());
      }
      acceptor->listen();
    } catch (const std::system_error& error) {
      throw EngineError("[serve] --unix-socket " + path + " cannot be had: " + error.code().message() + ".");
    } catch (const boost::system::system_error& error) {
      throw EngineError("[serve] --unix-socket " + path + " cannot be had: " + error.code().message() + ".");
    }
    accept_from(std::move(acceptor), HttpDoor::kUnix);
  }

  void run() {
    for (bool over = false; !over;) {
      try {
        loop_.run();
        over = true;
      } catch (const std::bad_alloc&) {  // of one connection; the others go on
      }
    }
  }

  void every(std::chrono::milliseconds period, std::function<void()> act) {
    auto timer = std::make_shared<asio::steady_timer>(loop_, period);
    timer->async_wait([this, timer, period, act = std::move(act)](const error_code& error) {
      if (!error && !ending_) {  // what it looks at may be gone before the loop is
        act();
        every(period, act);
      }
    });
  }

  void work(std::function<void()> act) { asio::post(pool_, std::move(act)); }
  std::size_t connections() const { return house_.connections; }
  std::size_t busy() const { return house_.busy; }

  void join() { pool_.join(); }

  void stop() {
    asio::post(loop_, [this] {
      for (const std::function<void()>& close : acceptors_) {
        close();
      }
      close_all();
      loop_.stop();
    });
  }

 private:
  static void refuse_to_replace(const std::string& path) {
    std::error_code none;
    const auto there = std::filesystem::symlink_status(path, none);
    if (!std::filesystem::exists(there)) {
      return;
    }
    if (!std::filesystem::is_socket(there)) {
      throw InvalidInput("[serve] --unix-socket " + path + " is there already, and is no socket. Give another path.");
    }
    asio::io_context loop;
    Unix::socket other(loop);
    error_code error;
    other.connect(Unix::endpoint(path), error);
    if (error != asio::error::connection_refused) {
      throw EngineError("[serve] --unix-socket " + path + " cannot be had: another server listens there.");
    }
    std::filesystem::remove(path, none);
  }

  template <typename Acceptor>
  void accept_from(std::shared_ptr<Acceptor> acceptor, HttpDoor door) {
    acceptors_.emplace_back([acceptor] {
      error_code ignored;
      acceptor->close(ignored);
    });
    accept(std::move(acceptor), door);
  }

  template <typename Acceptor>
  void accept(std::shared_ptr<Acceptor> acceptor, HttpDoor door) {
    acceptor->async_accept([this, acceptor, door](const error_code& error, auto socket) mutable {
      if (error == asio::error::operation_aborted) {
        return;
      }
      if (!error) {
        take(std::move(socket), door);
      } else if (error !=
                 asio::error::connection_aborted) {  // no descriptors, no memory: others may end and leave some
        auto timer = std::make_shared<asio::steady_timer>(loop_, kNoneLeft);
        timer->async_wait([this, timer, acceptor = std::move(acceptor), door](const error_code& ended) mutable {
          if (!ended) {
            accept(std::move(acceptor), door);
          }
        });
        return;
      }
      accept(std::move(acceptor), door);
    });
  }

  template <typename Socket>
  void take(Socket socket, HttpDoor door) {
    const std::string client = address_of(socket);
    bool is_v6 = false;
    if constexpr (std::is_same_v<Socket, Tcp::socket>) {
      error_code ignored;
      socket.set_option(Tcp::no_delay(true), ignored);
      is_v6 = socket.local_endpoint(ignored).address().is_v6();
    }
    error_code error;
    const int descriptor = socket.release(error);
    if (error) {
      return;
    }
    asio::ssl::context* tls = door == HttpDoor::kMain ? tls_.get() : nullptr;
    serve_connection(house_, make_byte_stream(loop_, descriptor, door == HttpDoor::kUnix, is_v6, tls), door, client);
  }

  void close_all() {
    const auto open = house_.open;
    for (const auto& [connection, close] : open) {
      close();
    }
  }

  std::shared_ptr<asio::ssl::context> tls_;
  bool ending_ = false;
  asio::io_context loop_{1};
  asio::thread_pool pool_;
  HttpHouse house_;
  std::vector<std::string> paths_;
  std::vector<std::function<void()>> acceptors_;  // how each is closed
};

HttpServer::HttpServer(const HttpLimits& limits, HttpHandler handler, std::size_t threads)
    : implementation_(std::make_unique<Implementation>(limits, std::move(handler), threads)) {}
HttpServer::~HttpServer() = default;
void HttpServer::use_tls(const std::string& certificate, const std::string& key) {
  implementation_->use_tls(certificate, key);
}
int HttpServer::listen(const std::string& host, int port, HttpDoor door) {
  return implementation_->listen(host, port, door);
}
void HttpServer::listen_unix(const std::string& path) { implementation_->listen_unix(path); }
void HttpServer::run() { implementation_->run(); }
void HttpServer::every(std::chrono::milliseconds period, std::function<void()> act) {
  implementation_->every(period, std::move(act));
}
void HttpServer::work(std::function<void()> act) { implementation_->work(std::move(act)); }
std::size_t HttpServer::connections() const { return implementation_->connections(); }
std::size_t HttpServer::busy() const { return implementation_->busy(); }
void HttpServer::stop() { implementation_->stop(); }
void HttpServer::join() { implementation_->join(); }

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace endorm
