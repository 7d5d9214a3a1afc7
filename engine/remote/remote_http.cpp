#include "engine/remote/remote_http.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <cpp-httplib/httplib.h>

#include "core/errors.h"
#include "engine/remote/remote_replies.h"

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

// "http://host:port/some/path/v1/" -> {"http://host:port", "/some/path"}.
std::pair<std::string, std::string> split_url(std::string url) {
  const auto scheme = url.starts_with("http://") ? 7U : url.starts_with("https://") ? 8U : 0U;
  if (scheme == 0 || url.size() == scheme || url.find_first_of("@?# \t\r\n") != std::string::npos) {
    throw InvalidInput("[RemoteHttp] \"" + url +
                       "\" is not a server's address. Write http://host:port or https://host/path; a key goes into the "
                       "API key, not into the address.");
  }
  while (url.ends_with('/')) {
    url.pop_back();
  }
  if (url.ends_with("/v1")) {
    url.resize(url.size() - 3);
  }
  const std::size_t slash = url.find('/', scheme);
  return {url.substr(0, slash), slash == std::string::npos ? "" : url.substr(slash)};
}

bool worth_retrying(int status) {
  constexpr std::array<int, 7> kPassing = {408, 429, 500, 502, 503, 504, 529};  // 529: overloaded (Anthropic)
  return std::find(kPassing.begin(), kPassing.end(), status) != kPassing.end();
}

// OpenAI's 429 of an account without credit, which no waiting changes.
bool is_out_of_quota(const httplib::Response& response) {
  return response.status == 429 && response.body.find("\"insufficient_quota\"") != std::string::npos;
}

// Retry-After in its form of whole seconds; 0 where there is none. A date, its other form, is left to the back-off.
std::chrono::seconds asked_to_wait(const httplib::Response& response) {
  const std::string text = response.get_header_value("Retry-After");
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::chrono::seconds(error == std::errc() && end == text.data() + text.size() ? seconds : 0);
}

[[noreturn]] void throw_status(const std::string& address, const httplib::Response& response, std::size_t tries) {
  const std::string words = server_message(response.body);
  const std::string said =
      "[RemoteHttp] " + address + " answered status " + std::to_string(response.status) + ": " + words + ".";
  if (response.status == 402 || is_out_of_quota(response)) {
    throw ServerRefused(said + " Fill the account up, or raise its limit.", response.status, words);
  }
  const std::string lasting = said + " It was tried " + std::to_string(tries) + " times. Look into the server's log.";
  if (worth_retrying(response.status)) {
    throw ServerBusy(lasting, asked_to_wait(response));
  }
  switch (response.status) {
    case 400:
    case 413:
    case 422:
      throw InvalidInput(said + " Change the record or the options that the server names.");
    case 401:
    case 403:
      throw ServerRefused(said + " Give the server's API key.", response.status, words);
    case 404:
    case 405:
      throw ServerRefused(said + " Check the address, the dialect and that the server is up to date.", response.status,
                          words);
    default:
      throw EngineError(lasting);
  }
}

}  // namespace

struct RemoteHttp::Connection {
  Connection(RemoteHttpOptions given, std::pair<std::string, std::string> url)
      : options(std::move(given)), base(url.first + url.second), prefix(std::move(url.second)), client(url.first) {
    if (!client.is_valid()) {
      throw InvalidInput("[RemoteHttp] \"" + base + "\" is not a server's address. Write http://host:port.");
    }
    client.set_keep_alive(true);
    client.set_connection_timeout(options.connect_timeout);
    client.set_read_timeout(options.reply_timeout);
    client.set_write_timeout(options.reply_timeout);
    client.set_max_timeout(options.reply_timeout);
    if (!options.api_key.empty()) {
      client.set_bearer_token_auth(options.api_key);
    }
  }

  // `ask` sends the request once.
  template <typename Ask>
  std::string answer(const std::string& path, const Ask& ask) {
    const std::string address = base + path;
    std::chrono::milliseconds pause = options.backoff;
    std::size_t timeouts = 0;
    for (std::size_t tries = 1;; ++tries) {
      const Clock::time_point begin = Clock::now();
      const httplib::Result result = ask();
      if (result && result->status == 200) {
        return result->body;
      }
      const bool timed_out = result.error() == httplib::Error::Timeout || Clock::now() - begin >= options.reply_timeout;
      if (!result && timed_out && (++timeouts > options.timeout_retries || tries > options.retries)) {
        throw EngineError("[RemoteHttp] " + address + " did not answer within " +
                          std::to_string(options.reply_timeout.count()) +
                          " ms. Raise the time-out, or send fewer requests at once.");
      }
      const bool passing = !result || (worth_retrying(result->status) && !is_out_of_quota(*result));
      if (!passing || tries > options.retries) {
        if (result) {
          throw_status(address, *result, tries);
        }
        throw ServerUnusable("[RemoteHttp] " + address + " could not be reached (" +
                             httplib::to_string(result.error()) + "), tried " + std::to_string(tries) +
                             " times. Check that the server runs and that the address is right.");
      }
      const std::chrono::milliseconds asked = result ? asked_to_wait(*result) : std::chrono::seconds(0);
      std::this_thread::sleep_for(std::max(pause, std::min<std::chrono::milliseconds>(asked, options.longest_wait)));
      pause *= 2;
    }
  }

  RemoteHttpOptions options;
  std::string base;
  std::string prefix;
  httplib::Client client;
};

RemoteHttp::RemoteHttp(RemoteHttpOptions options) {
  auto url = split_url(options.url);
  connection_ = std::make_unique<Connection>(std::move(options), std::move(url));
}

RemoteHttp::~RemoteHttp() = default;

std::string RemoteHttp::get(const std::string& path) {
  Connection& to = *connection_;
  return to.answer(path, [&] { return to.client.Get(to.prefix + path); });
}

std::string RemoteHttp::post(const std::string& path, const std::string& json_body) {
  Connection& to = *connection_;
  return to.answer(path, [&] { return to.client.Post(to.prefix + path, json_body, "application/json"); });
}

const std::string& RemoteHttp::base_url() const { return connection_->base; }

}  // namespace endorm
