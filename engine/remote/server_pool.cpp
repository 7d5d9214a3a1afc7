#include "engine/remote/server_pool.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

// How many requests more than the idlest a server may have and still get those that its prompts name.
constexpr std::size_t kSlack = 4;

// Of a key and a server's address as it was given, the same in every process, so that clients of one job agree: those
// in Python, too (app/python/endorm/_prompt_key.py). FNV-1a of key, a zero byte and address, then the last mixing of
// MurmurHash3: without it, of addresses that differ in their last digit alone one gets half of all keys.
std::uint64_t hash_of(std::string_view key, std::string_view server) {
  std::uint64_t hash = 1469598103934665603ULL;
  for (const std::string_view text : {key, std::string_view("\0", 1), server}) {
    for (const char byte : text) {
      hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
    }
  }
  hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdULL;
  hash = (hash ^ (hash >> 33U)) * 0xc4ceb9fe1a85ec53ULL;
  return hash ^ (hash >> 33U);
}

}  // namespace

class ServerPool::Servers {
 public:
  explicit Servers(ServerPoolOptions options) : options_(std::move(options)) {
    if (options_.urls.empty()) {
      throw InvalidInput("[ServerPool] no server's address is given. Give at least one.");
    }
    for (const std::string& url : options_.urls) {
      Server& server = servers_.emplace_back();
      server.url = url;
      server.idle.push_back(connect(url));  // refuses an address of another form now
    }
  }

  std::size_t count() const { return servers_.size(); }

  std::string post(const std::string& path, const std::string& body, std::string_view key) {
    std::chrono::milliseconds pause = options_.backoff;
    for (std::size_t tries = 1;; ++tries) {
      const std::size_t place = take(key);
      std::unique_ptr<RemoteHttp> connection = connection_of(place);
      try {
        std::string reply = connection->post(path, body);
        give_back(place, std::move(connection));
        return reply;
      } catch (const InvalidInput&) {
        give_back(place, std::move(connection));
        throw;
      } catch (const ServerRefused&) {
        give_back(place, std::move(connection));
        throw;
      } catch (const EngineError& failure) {
        const auto* busy = dynamic_cast<const ServerBusy*>(&failure);
        leave(place, busy != nullptr ? busy->again_in : std::chrono::seconds(0));
        if (alone() || tries >= options_.tries) {
          throw;
        }
      } catch (...) {
        give_back(place, nullptr);
        throw;
      }
      if (const auto rest = rest_of_all(); rest > Clock::duration::zero()) {
        std::this_thread::sleep_for(std::max<Clock::duration>(pause, rest));
        pause = std::min(2 * pause, options_.longest_rest);
      }
    }
  }

 private:
  struct Server {
    std::string url;
    std::vector<std::unique_ptr<RemoteHttp>> idle;
    std::size_t busy = 0;      // requests of ours
    std::size_t failures = 0;  // in a row
    Clock::time_point dead_until{};
  };

  bool alone() const { return options_.urls.size() == 1; }

  std::unique_ptr<RemoteHttp> connect(const std::string& url) const {
    RemoteHttpOptions http;
    http.url = url;
    http.api_key = options_.api_key;
    http.connect_timeout = options_.connect_timeout;
    http.reply_timeout = options_.reply_timeout;
    http.retries = alone() ? options_.tries - 1 : 0;  // else another server is the retry
    http.timeout_retries = alone() ? options_.timeout_retries : 0;
    http.backoff = options_.backoff;
    return std::make_unique<RemoteHttp>(std::move(http));
  }

  // The server for a request with this key: of those alive, or, where none is, of all.
  std::size_t take(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const Clock::time_point now = Clock::now();
    const bool none_alive =
        std::all_of(servers_.begin(), servers_.end(), [&](const Server& server) { return server.dead_until > now; });
    std::optional<std::size_t> named;
    std::optional<std::size_t> idlest;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      if (servers_[i].dead_until > now && !none_alive) {
        continue;
      }
      if (!named || hash_of(key, servers_[i].url) > hash_of(key, servers_[*named].url)) {
        named = i;
      }
      if (!idlest || servers_[i].busy < servers_[*idlest].busy) {
        idlest = i;
      }
    }
    const bool too_busy = servers_[*named].busy > servers_[*idlest].busy + kSlack;
    const std::size_t place = too_busy ? *idlest : *named;
    ++servers_[place].busy;
    return place;
  }

  std::unique_ptr<RemoteHttp> connection_of(std::size_t place) {
    const std::lock_guard lock(mutex_);
    std::vector<std::unique_ptr<RemoteHttp>>& idle = servers_[place].idle;
    if (idle.empty()) {
      return connect(servers_[place].url);
    }
    std::unique_ptr<RemoteHttp> connection = std::move(idle.back());
    idle.pop_back();
    return connection;
  }

  // After a request that the server answered.
  void give_back(std::size_t place, std::unique_ptr<RemoteHttp> connection) {
    const std::lock_guard lock(mutex_);
    Server& server = servers_[place];
    --server.busy;
    if (connection) {
      server.idle.push_back(std::move(connection));
    }
    server.failures = 0;
    server.dead_until = {};
  }

  // After one that failed: the server rests, longer each time, and as long as it asked for.
  void leave(std::size_t place, std::chrono::milliseconds asked) {
    const std::lock_guard lock(mutex_);
    Server& server = servers_[place];
    --server.busy;
    constexpr std::size_t kMostDoublings = 16;
    const std::chrono::milliseconds rest = options_.backoff * (1U << std::min(server.failures, kMostDoublings));
    server.dead_until = Clock::now() + std::min(std::max(rest, asked), options_.longest_rest);
    ++server.failures;
    server.idle.clear();
  }

  // Until the first server is to be asked again; zero or less where one is.
  Clock::duration rest_of_all() {
    const std::lock_guard lock(mutex_);
    Clock::time_point first = Clock::time_point::max();
    for (const Server& server : servers_) {
      first = std::min(first, server.dead_until);
    }
    return first - Clock::now();
  }

  ServerPoolOptions options_;
  std::mutex mutex_;
  std::vector<Server> servers_;
};

ServerPool::ServerPool(ServerPoolOptions options) : servers_(std::make_unique<Servers>(std::move(options))) {}
ServerPool::~ServerPool() = default;

std::string ServerPool::post(const std::string& path, const std::string& json_body, std::string_view key) {
  return servers_->post(path, json_body, key);
}

std::size_t ServerPool::servers() const { return servers_->count(); }

}  // namespace endorm
