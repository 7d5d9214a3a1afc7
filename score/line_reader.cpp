#include "score/line_reader.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/errors.h"
#include "engine/content_hash.h"

namespace endorm {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlanks = " \t\r\v\f";

int open_for_reading(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    throw InvalidInput("[LineReader] cannot open " + path + ": " + std::strerror(errno) + ". Check the input path.");
  }
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(descriptor);
    throw InvalidInput("[LineReader] " + path + " is a directory. Give a file of JSON lines.");
  }
  return descriptor;
}

}  // namespace

LineReader::LineReader(const std::string& path, std::size_t limit)
    : descriptor_(open_for_reading(path)), owned_(true), name_(path), limit_(limit) {}

LineReader::LineReader(int descriptor, std::string name, std::size_t limit)
    : descriptor_(descriptor), owned_(false), name_(std::move(name)), limit_(limit) {}

LineReader::~LineReader() {
  if (owned_) {
    ::close(descriptor_);
  }
}

bool LineReader::fill() {
  begin_ = 0;
  buffer_.resize(kBlockBytes);
  while (true) {
    const ssize_t count = ::read(descriptor_, buffer_.data(), buffer_.size());
    if (count >= 0) {
      buffer_.resize(static_cast<std::size_t>(count));
      return count > 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {  // a pipe that its other end made non-blocking
      pollfd ready{descriptor_, POLLIN, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      throw EngineError("[LineReader] cannot read " + name_ + " after line " + std::to_string(number_) + ": " +
                        std::strerror(errno) + ". Check the disk or pipe and run again.");
    }
  }
}

bool LineReader::read_line(InputLine& line) {
  if (begin_ == buffer_.size() && !fill()) {
    return false;
  }
  line = {.number = ++number_, .text = {}, .key = {}, .error = std::nullopt};
  std::size_t length = 0;
  std::optional<Sha256> overlong;  // a line past the limit is hashed, not held
  bool ended = false;
  do {
    const std::string_view rest = std::string_view(buffer_).substr(begin_);
    const std::size_t newline = rest.find('\n');
    ended = newline != std::string_view::npos;
    const std::string_view part = rest.substr(0, newline);
    begin_ += part.size() + (ended ? 1 : 0);
    length += part.size();
    if (!overlong && length > limit_) {
      overlong.emplace();
      overlong->update(line.text);
      line.text = {};
    }
    if (overlong) {
      overlong->update(part);
    } else {
      line.text.append(part);
    }
  } while (!ended && fill());
  if (overlong) {
    line.key = record_key(overlong->finish());
    line.error = "[LineReader] line " + std::to_string(line.number) + " has " + std::to_string(length) +
                 " bytes, more than the limit of " + std::to_string(limit_) + ". Split or shorten this record.";
    return true;
  }
  if (number_ == 1 && line.text.starts_with(kByteOrderMark)) {
    line.text.erase(0, kByteOrderMark.size());
  }
  if (line.text.ends_with('\r')) {
    line.text.pop_back();
  }
  return true;
}

std::optional<InputLine> LineReader::next() {
  InputLine line;
  while (read_line(line)) {
    if (line.error) {
      first_record_ = false;
      return line;
    }
    const std::size_t start = line.text.find_first_not_of(kBlanks);
    if (start == std::string::npos) {
      continue;
    }
    if (std::exchange(first_record_, false) && line.text[start] == '[') {
      throw InvalidInput("[LineReader] " + name_ +
                         " begins with '[': it is one JSON array, not JSON lines. Convert it with: jq -c '.[]'");
    }
    line.key = record_key(line.text);
    return line;
  }
  return std::nullopt;
}

}  // namespace endorm
