#include "score/result_log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using SortedJson = nlohmann::json;  // manifests differ in their fields, not in the order of them

constexpr std::size_t kKeyDigits = 16;
constexpr std::string_view kManifestStart = "{\"manifest\":";

// The key of a row that scored_row or error_row made; none where the line is not such a row. Quotes inside JSON strings
// are escaped, so the first ,"key":" is the field itself: nothing nested stands before it.
std::optional<std::uint64_t> row_key(const std::string& line) {
  constexpr std::string_view kField = "\"key\":\"";
  const std::size_t field = line.find(kField);
  if (field == std::string::npos || field == 0 || (line[field - 1] != ',' && line[field - 1] != '{') ||
      !SortedJson::accept(line)) {
    return std::nullopt;
  }
  return record_key_number(std::string_view(line).substr(field + kField.size(), kKeyDigits));
}

std::string shown(const SortedJson& object, const SortedJson::json_pointer& field) {
  return object.contains(field) ? excerpt(object[field].dump()) : "absent";
}

// Throws where two manifest lines differ outside "run".
void compare_manifests(const std::string& stored_line, const std::string& wanted_line, const std::string& path) {
  SortedJson stored;
  try {
    check_json(stored_line);
    stored = SortedJson::parse(stored_line);
  } catch (const InvalidInput& error) {
    throw InvalidInput("[ResultLog::open] the manifest of " + path + " is damaged (" + error.what() +
                       "). Give another output file with -o, or --overwrite.");
  }
  SortedJson wanted = SortedJson::parse(wanted_line);
  for (SortedJson* manifest : {&stored, &wanted}) {
    if (SortedJson& fields = (*manifest)["manifest"]; fields.is_object()) {
      fields.erase("run");
    }
  }
  const SortedJson difference = SortedJson::diff(stored, wanted);
  if (difference.empty()) {
    return;
  }
  const SortedJson::json_pointer field(difference[0]["path"].get<std::string>());
  std::string name = field.to_string().substr(1);
  std::replace(name.begin(), name.end(), '/', '.');
  throw InvalidInput("[ResultLog::open] " + path + " was made with another setting: " + name + " is " +
                     shown(stored, field) + " there and " + shown(wanted, field) +
                     " now. Give another output file with -o, or --overwrite.");
}

}  // namespace

ResultLog::ResultLog(int descriptor, std::string name, bool owned, bool regular)
    : descriptor_(descriptor), name_(std::move(name)), owned_(owned), regular_(regular) {}

ResultLog::ResultLog(ResultLog&& other) noexcept
    : descriptor_(other.descriptor_),
      name_(std::move(other.name_)),
      owned_(std::exchange(other.owned_, false)),
      regular_(other.regular_),
      size_(other.size_),
      batch_(std::move(other.batch_)),
      keys_(std::move(other.keys_)),
      notices_(std::move(other.notices_)) {}

ResultLog::~ResultLog() {
  if (owned_) {
    ::close(descriptor_);  // releases the lock
  }
}

void ResultLog::fail(const char* action, int error) const {
  const std::string remedy = regular_
                                 ? "Free space or check the disk, then run the same command again: it continues after "
                                   "the last row that was written."
                                 : "The reader of this output went away or its disk is full; run again.";
  throw EngineError("[ResultLog] cannot " + std::string(action) + " " + name_ + ": " + std::strerror(error) + ". " +
                    remedy);
}

ResultLog ResultLog::stream(int descriptor, const std::string& name, const std::string& manifest) {
  ResultLog log(descriptor, name, false, false);
  log.write_manifest(manifest);
  return log;
}

ResultLog ResultLog::open(const std::string& path, const std::string& manifest, ResultMode mode) {
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    throw InvalidInput("[ResultLog::open] " + path + " is a directory. Give a file with -o.");
  }
  const bool regular = !exists || S_ISREG(status.st_mode);
  const int descriptor = ::open(path.c_str(), regular ? O_RDWR | O_CREAT | O_CLOEXEC : O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    throw InvalidInput("[ResultLog::open] cannot write " + path + ": " + std::strerror(errno) +
                       ". Check that its directory exists and is writable, or give another file with -o.");
  }
  ResultLog log(descriptor, path, true, regular);
  if (!regular) {
    log.write_manifest(manifest);
    return log;
  }
  log.lock();
  if (mode == ResultMode::kResume) {
    log.read_existing(manifest);
  } else {
    log.cut_tail(0);
  }
  if (log.size_ == 0) {
    log.write_manifest(manifest);
  }
  return log;
}

void ResultLog::lock() {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) {
    return;
  }
  if (errno == EWOULDBLOCK) {
    throw InvalidInput("[ResultLog::open] " + name_ +
                       " is being written by another run. Wait for it, or give another file with -o.");
  }
  notices_.push_back(name_ + " cannot be locked (" + std::strerror(errno) + "): do not start a second run on it.");
}

void ResultLog::write_manifest(const std::string& manifest) {
  append(manifest);
  sync();
  if (regular_) {  // the new name in the directory must survive a crash as well
    const std::string parent = std::filesystem::path(name_).parent_path().string();
    const int directory = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
      ::fsync(directory);
      ::close(directory);
    }
  }
}

void ResultLog::read_existing(const std::string& manifest) {
  std::ifstream file(name_, std::ios::binary);
  std::string line(kManifestStart.size(), '\0');
  file.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(file.gcount()));
  if (!kManifestStart.starts_with(line)) {
    throw InvalidInput("[ResultLog::open] " + name_ +
                       " is not a result file: it does not begin with a manifest. Give another file with -o.");
  }
  file.clear();
  file.seekg(0);
  std::getline(file, line);
  const bool is_cut = file.eof();
  const bool has_rows = !is_cut && file.peek() != std::ifstream::traits_type::eof();
  if (is_cut || (!has_rows && SortedJson::accept(line))) {
    cut_tail(0);  // no row: empty, killed while its first line was written, or its input could not be read
    return;
  }
  compare_manifests(line, manifest, name_);
  size_ = line.size() + 1;
  std::optional<std::uint64_t> damaged;  // byte where a line begins that is no row
  while (std::getline(file, line)) {
    if (damaged) {  // more lines follow it: this was no interrupted write
      throw InvalidInput("[ResultLog::open] " + name_ + " is damaged at byte " + std::to_string(*damaged) + ", after " +
                         std::to_string(keys_.size()) + " good rows. To keep these run: truncate -s " +
                         std::to_string(*damaged) + " '" + name_ + "'; to begin anew give --overwrite.");
    }
    const std::optional<std::uint64_t> key = file.eof() ? std::nullopt : row_key(line);
    if (key) {
      keys_.push_back(*key);
      size_ += line.size() + 1;
    } else {
      damaged = size_;
    }
  }
  if (file.bad()) {
    fail("read", EIO);
  }
  if (damaged) {
    cut_tail(*damaged);
  }
}

void ResultLog::cut_tail(std::uint64_t size) {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || ::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
    fail("cut", errno);
  }
  const std::uint64_t before = static_cast<std::uint64_t>(status.st_size);
  if (before > size && size > 0) {
    notices_.push_back(name_ + ": an unfinished last row of " + std::to_string(before - size) +
                       " bytes was cut off after " + std::to_string(keys_.size()) + " finished rows.");
  }
  size_ = size;
}

void ResultLog::check_finished(std::size_t row, std::string_view key) const {
  if (row >= keys_.size()) {
    throw InternalError("[ResultLog::check_finished] row " + std::to_string(row) + " of " +
                        std::to_string(keys_.size()) + " finished rows is asked for.");
  }
  if (record_key_number(key) != keys_[row]) {
    throw InvalidInput(
        "[ResultLog::check_finished] row " + std::to_string(row + 1) + " of " + name_ +
        " belongs to another record than the input has there: the input changed since. Give another output file "
        "with -o, or --overwrite.");
  }
}

void ResultLog::check_finished_count(std::size_t records) const {
  if (keys_.size() > records) {
    throw InvalidInput("[ResultLog::check_finished_count] " + name_ + " has " + std::to_string(keys_.size()) +
                       " finished rows and the input " + std::to_string(records) +
                       " records: the input changed since. Give another output file with -o, or --overwrite.");
  }
}

void ResultLog::append(std::string_view row) {
  if (row.empty() || row.find('\n') != std::string_view::npos) {
    throw InternalError("[ResultLog::append] a row is empty or holds a newline. Please report it.");
  }
  batch_.append(row).push_back('\n');
}

void ResultLog::sync() {
  std::size_t written = 0;
  while (written < batch_.size()) {
    const char* data = batch_.data() + written;
    const std::size_t left = batch_.size() - written;
    const ssize_t count = regular_ ? ::pwrite(descriptor_, data, left, static_cast<off_t>(size_ + written))
                                   : ::write(descriptor_, data, left);
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
    } else if (!regular_ && (errno == EAGAIN || errno == EWOULDBLOCK)) {  // a pipe that its reader made non-blocking
      pollfd ready{descriptor_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      const int error = errno;
      if (regular_) {
        // Best effort: what cannot be cut now is cut when the run is resumed.
        [[maybe_unused]] const int ignored = ::ftruncate(descriptor_, static_cast<off_t>(size_));
      }
      fail("write", error);
    }
  }
  if (regular_ && ::fsync(descriptor_) != 0) {
    fail("force to disk", errno);
  }
  size_ += batch_.size();
  batch_.clear();
}

}  // namespace endorm
