#include "app/server/http_message.h"

#include <algorithm>
#include <map>

#include "core/ascii_lower.h"

namespace endorm {
namespace {

bool same_name(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](char a, char b) { return ascii_lower(a) == ascii_lower(b); });
}

const char* reason(int status) {
  static const std::map<int, const char*> kReasons = {
      {200, "OK"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {413, "Payload Too Large"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  const auto found = kReasons.find(status);
  return found == kReasons.end() ? "Status" : found->second;
}

}  // namespace

std::string HttpRequest::field(std::string_view name) const {
  const auto found = std::ranges::find_if(fields, [&](const auto& field) { return same_name(field.first, name); });
  return found == fields.end() ? "" : found->second;
}

std::size_t HttpRequest::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields, [&](const auto& field) { return same_name(field.first, name); }));
}

std::string http_head(const HttpAnswer& answer, std::optional<std::size_t> length, bool chunked, bool keep_alive,
                      bool is_http_1_0) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " " + reason(answer.status) + "\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  add("Server", "endorm");
  add("X-Content-Type-Options", "nosniff");
  add("Content-Type", answer.type);
  for (const auto& [name, value] : answer.fields) {
    add(name, value);
  }
  if (length) {
    add("Content-Length", std::to_string(*length));
  } else if (chunked) {
    add("Transfer-Encoding", "chunked");
  }
  if (!keep_alive) {
    add("Connection", "close");
  } else if (is_http_1_0) {
    add("Connection", "keep-alive");
  }
  return head + "\r\n";
}

}  // namespace endorm
