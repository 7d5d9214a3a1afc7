#include "app/server/request_reader.h"

#include <algorithm>
#include <limits>
#include <sstream>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "core/trimmed.h"

namespace endorm {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kChunkLineBytes = 64U << 10U;  // of a chunk's first line

}  // namespace

struct RequestReader::Parser : http::request_parser<http::string_body> {};

RequestReader::RequestReader(std::size_t most_head_bytes) : most_head_bytes_(most_head_bytes) { begin(); }
RequestReader::~RequestReader() = default;

void RequestReader::add(const char* bytes, std::size_t count) { buffer_.append(bytes, count); }

void RequestReader::begin() {
  parser_.reset();
  request_ = std::make_shared<HttpRequest>();
  if (buffer_.empty()) {
    buffer_.shrink_to_fit();
  }
}

void RequestReader::drop_body() {
  request_->body = std::string();
  request_->room = {};
  if (parser_) {
    parser_->get().body() = std::string();
  }
}

RequestReader::Found RequestReader::next() {
  if (buffer_.empty()) {
    return Found::kNothing;
  }
  if (!parser_) {
    parser_ = std::make_unique<Parser>();
    parser_->header_limit(static_cast<std::uint32_t>(most_head_bytes_));
    // Bodies are counted by who asks. (boost::none is no limit of every version: in 1.74 all is beyond it.)
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  }
  const bool had_head = parser_->is_header_done();
  boost::system::error_code error;
  const std::size_t used = parser_->put(boost::asio::const_buffer(buffer_.data(), buffer_.size()), error);
  if (error && error != http::error::need_more) {
    return refuse(error == http::error::header_limit ? 431 : error == http::error::bad_version ? 505 : 400);
  }
  buffer_.erase(0, used);
  if (!had_head) {
    return parser_->is_header_done() ? read_head() : Found::kNothing;
  }
  if (parser_->is_done()) {
    request_->body = std::exchange(parser_->get().body(), {});
    request_->body_bytes = request_->body.size();
    return Found::kWhole;
  }
  if (used > 0) {
    return Found::kPart;
  }
  return buffer_.size() < kChunkLineBytes ? Found::kNothing : refuse(400);
}

void RequestReader::take_head() {
  const auto& head = parser_->get();
  request_->method = std::string(head.method_string());
  request_->target = std::string(head.target());
  for (const auto& field : head) {
    request_->fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request_->path = request_->target.substr(0, request_->target.find('?'));
}

RequestReader::Found RequestReader::read_head() {
  take_head();
  const auto& head = parser_->get();
  request_->is_http_1_0 = head.version() == 10;
  if (head.version() != 10 && head.version() != 11) {
    return refuse(505);
  }
  const bool printable = std::ranges::all_of(request_->target, [](char byte) { return byte > ' ' && byte < '\x7f'; });
  if (!printable || !request_->target.starts_with('/') || request_->count("Host") > 1 ||
      (!request_->is_http_1_0 && request_->count("Host") == 0)) {
    return refuse(400);
  }
  parser_->eager(true);
  return Found::kHead;
}

void RequestReader::read_broken_head() {
  if (!request_->method.empty()) {
    return;
  }
  if (parser_) {
    take_head();
  }
  std::istringstream left(buffer_);
  std::string line;
  if (request_->method.empty() && std::getline(left, line)) {
    std::istringstream(line) >> request_->method >> request_->target;
    request_->path = request_->target.substr(0, request_->target.find('?'));
  }
  while (std::getline(left, line) && !left.eof()) {  // the last may be cut off
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) {
      request_->fields.emplace_back(line.substr(0, colon), trimmed(std::string_view(line).substr(colon + 1)));
    }
  }
}

RequestReader::Found RequestReader::refuse(int status) {
  fault_ = status;
  return Found::kFault;
}

bool RequestReader::keep_alive() const { return parser_->keep_alive(); }

bool RequestReader::has_body() const { return !parser_->is_done(); }

std::optional<std::uint64_t> RequestReader::body_length() const {
  const auto length = parser_->content_length();
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

std::size_t RequestReader::body_bytes() const { return parser_->get().body().size() + request_->body.size(); }

}  // namespace endorm
