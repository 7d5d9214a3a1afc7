#include "score/input_bytes.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::size_t kFirstBytes = 16;  // that tell a form
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

int open_for_reading(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    throw InvalidInput("[input] cannot open " + path + ": " + std::strerror(errno) + ". Check the input path.");
  }
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(descriptor);
    throw InvalidInput("[input] " + path + " is a directory. Give a file of records.");
  }
  return descriptor;
}

}  // namespace

InputBytes::InputBytes(const std::string& path) : descriptor_(open_for_reading(path)), owned_(true), name_(path) {}

InputBytes::InputBytes(int descriptor, std::string name)
    : descriptor_(descriptor), owned_(false), name_(std::move(name)) {}

InputBytes::InputBytes(std::unique_ptr<ChildOutput> program, std::string name, std::string failure, int warns)
    : descriptor_(program->descriptor()),
      owned_(false),
      name_(std::move(name)),
      program_(std::move(program)),
      failure_(std::move(failure)),
      warns_(warns) {}

InputBytes::~InputBytes() {
  if (owned_) {
    ::close(descriptor_);
  }
}

std::size_t InputBytes::read_some(std::size_t offset) {
  while (true) {
    const ssize_t count = ::read(descriptor_, block_.data() + offset, block_.size() - offset);
    if (count >= 0) {
      return static_cast<std::size_t>(count);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {  // a pipe that its other end made non-blocking
      pollfd ready{descriptor_, POLLIN, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      throw EngineError("[input] cannot read " + name_ + " after " + std::to_string(read_) +
                        " bytes: " + std::strerror(errno) + ". Check the disk or pipe and run again.");
    }
  }
}

bool InputBytes::fill() {
  begin_ = 0;
  block_.resize(kBlockBytes);
  std::size_t count = read_some(0);
  while (first_ && count < kFirstBytes) {  // a pipe may give them one by one
    const std::size_t more = read_some(count);
    if (more == 0) {
      break;
    }
    count += more;
  }
  block_.resize(count);
  read_ += count;
  if (std::exchange(first_, false) && block_.starts_with(kByteOrderMark)) {
    begin_ = kByteOrderMark.size();
  }
  ended_ = count == 0;
  if (ended_ && program_ && !program_->succeeded(warns_)) {
    throw InvalidInput("[input] " + name_ + ": " + failure_);
  }
  return !ended_;
}

std::string_view InputBytes::rest() {
  while (begin_ == block_.size() && !ended_ && fill()) {
  }
  return std::string_view(block_).substr(begin_);
}

}  // namespace endorm
