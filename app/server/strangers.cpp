#include "app/server/strangers.h"

#include <algorithm>

#include "core/ascii_lower.h"
#include "core/utf8.h"

namespace endorm {
namespace {

// "name:port", "[::1]:port" or one without a port.
struct Authority {
  std::string name;
  std::string port;
};

Authority authority_of(const std::string& text, const std::string& usual_port) {
  const std::size_t colon = text.find(':', text.starts_with('[') ? text.find(']') : 0);
  std::string name = ascii_lower(text.substr(0, colon));
  if (name.starts_with('[') && name.ends_with(']')) {
    name = name.substr(1, name.size() - 2);
  }
  if (name.ends_with('.')) {
    name.pop_back();
  }
  return {name, colon == std::string::npos ? usual_port : text.substr(colon + 1)};
}

bool is_allowed(const std::string& name, const std::vector<std::string>& allowed) {
  return std::ranges::any_of(allowed, [&](const std::string& one) { return authority_of(one, "").name == name; });
}

bool same_origin(const std::string& origin, const std::string& host, const std::vector<std::string>& allowed) {
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string::npos) {  // "null"
    return false;
  }
  const std::string usual_port = ascii_lower(origin.substr(0, scheme)) == "https" ? "443" : "80";
  const Authority from = authority_of(origin.substr(scheme + 3), usual_port);
  const Authority own = authority_of(host, usual_port);
  return (from.name == own.name && from.port == own.port) || is_allowed(from.name, allowed);
}

bool is_ipv4_loopback(const std::string& host) {
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || is_ipv4_loopback(host); }

std::optional<HttpError> refuse_stranger(const HttpRequest& request, const std::vector<std::string>& allowed,
                                         bool any_host) {
  const std::string host = request.field("Host");
  const std::string origin = request.field("Origin");
  if (!origin.empty() && !same_origin(origin, host, allowed)) {
    return HttpError{
        403, "foreign_origin",
        "a page of " + excerpt(valid_utf8(origin)) + " may not ask this server. Whoever runs it can allow that name."};
  }
  if (ascii_lower(request.field("Sec-Fetch-Site")) == "cross-site" &&
      !(!origin.empty() && same_origin(origin, host, allowed))) {
    return HttpError{403, "foreign_origin", "a page of another site may not ask this server."};
  }
  const std::string name = authority_of(host, "").name;
  if (!any_host && request.door == HttpDoor::kMain && !host.empty() && !is_loopback(name) &&
      !is_allowed(name, allowed)) {
    return HttpError{
        421, "foreign_host",
        "this server is not called " + excerpt(valid_utf8(host)) + ". Whoever runs it can allow that name."};
  }
  return std::nullopt;
}

}  // namespace endorm
