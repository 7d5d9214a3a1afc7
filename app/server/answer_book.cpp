#include "app/server/answer_book.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <random>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/utf8.h"

namespace endorm {
namespace {

constexpr std::size_t kLongestId = 128;
constexpr std::size_t kLongestPath = 1024;

std::string random_name() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device random;
  std::string name;
  for (int i = 0; i < 12; ++i) {
    name += kDigits[random() % kDigits.size()];
  }
  return name;
}

}  // namespace

AnswerBook::AnswerBook(Metrics& metrics, std::function<void(const std::string& line)> log)
    : metrics_(metrics), log_(std::move(log)), prefix_(random_name() + "-") {}

std::string AnswerBook::id_of(const HttpRequest& request) {
  const std::string sent = request.field("X-Request-Id");
  const bool plain = std::ranges::all_of(sent, [](char byte) { return byte > ' ' && byte < '\x7f'; });
  return !sent.empty() && sent.size() <= kLongestId && plain ? sent : prefix_ + std::to_string(++ids_);
}

HttpAnswer AnswerBook::noted(const HttpRequest& request, const std::string& id, const std::string& route,
                             HttpAnswer answer, const Notes& notes) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - request.began).count();
  metrics_.answered(route, answer.status, seconds);
  answer.fields.emplace_back("X-Request-Id", id);
  if (!log_) {
    return answer;
  }
  nlohmann::ordered_json line = {{"time", std::time(nullptr)},
                                 {"id", id},
                                 {"client", request.client},
                                 {"method", excerpt(valid_utf8(request.method))},
                                 {"path", excerpt(valid_utf8(request.target), kLongestPath)},
                                 {"status", answer.status},
                                 {"seconds", seconds},
                                 {"bytes_in", request.body_bytes},
                                 {"bytes_out", answer.body.size()}};
  for (const TextNote note : notes) {
    line["notes"].push_back(text_note_name(note));
  }
  log_(line.dump());
  return answer;
}

HttpAnswer error_answer(const HttpError& error) {
  HttpAnswer answer;
  answer.status = error.status;
  answer.body = error_body(error);
  if (error.status == 429 || error.status == 503) {
    answer.fields.emplace_back("Retry-After", "1");
  }
  if (error.status == 401) {
    answer.fields.emplace_back("WWW-Authenticate", "Bearer");
  }
  return answer;
}

}  // namespace endorm
