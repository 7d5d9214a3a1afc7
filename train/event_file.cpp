#include "train/event_file.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>

#include <fcntl.h>
#include <unistd.h>

#include "core/errors.h"
#include "engine/atomic_file.h"

namespace endorm {
namespace {

// CRC32C (Castagnoli, reflected), RFC 3720 B.4.
constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) {
      rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0x82F63B78U : 0U);
    }
    table[byte] = rest;
  }
  return table;
}

std::uint32_t crc32c(std::string_view bytes) {
  constexpr std::array<std::uint32_t, 256> kTable = make_crc_table();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU];
  }
  return ~crc;
}

// TFRecord stores checksums turned and shifted, so that one over bytes that hold checksums stays a good one
// (tensorflow/core/lib/hash/crc32c.h).
std::uint32_t masked(std::uint32_t crc) { return std::rotr(crc, 15) + 0xA282EAD8U; }

template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    bytes += static_cast<char>((value >> (8 * i)) & 0xFFU);
  }
  return bytes;
}

// A record: length, its checksum, bytes, theirs.
std::string framed(std::string_view bytes) {
  const std::string length = little_endian(std::uint64_t{bytes.size()});
  return length + little_endian(masked(crc32c(length))) + std::string(bytes) + little_endian(masked(crc32c(bytes)));
}

// Protocol Buffers, the wire format: a field is its number and kind, then the value.
enum class Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) {
    bytes += static_cast<char>(0x80U | (value & 0x7FU));
  }
  bytes += static_cast<char>(value);
  return bytes;
}

std::string key(unsigned field, Wire wire) { return varint((field << 3) | static_cast<unsigned>(wire)); }

std::string bytes_field(unsigned field, std::string_view bytes) {
  return key(field, Wire::kBytes) + varint(bytes.size()) + std::string(bytes);
}

// Event.wall_time and Event.step; a step of 0 is the default and not written.
std::string event_head(double wall_time, std::size_t step) {
  const std::string time = key(1, Wire::kFixed64) + little_endian(std::bit_cast<std::uint64_t>(wall_time));
  return step == 0 ? time : time + key(2, Wire::kVarint) + varint(step);
}

// Summary.Value with tag and simple_value.
std::string scalar(const Metric& metric) {
  const double value = metric.second;
  const bool beyond = std::abs(value) > std::numeric_limits<float>::max();
  const float narrow = beyond ? std::copysign(std::numeric_limits<float>::infinity(), value > 0 ? 1.0F : -1.0F)
                              : static_cast<float>(value);
  return bytes_field(1, metric.first) + key(2, Wire::kFixed32) + little_endian(std::bit_cast<std::uint32_t>(narrow));
}

constexpr unsigned kFileVersion = 3;  // fields of Event
constexpr unsigned kSummary = 5;
constexpr unsigned kSessionLog = 7;

}  // namespace

EventFile::EventFile(const std::string& directory, std::size_t first_step, double wall_time) {
  // Names are read in the order of their letters; a second file of the same second comes behind the first.
  for (int attempt = 0; descriptor_ < 0 && attempt < 1000; ++attempt) {
    char name[64];
    std::snprintf(name, sizeof name, "events.out.tfevents.%010lld.%03d", static_cast<long long>(wall_time), attempt);
    path_ = (std::filesystem::path(directory) / name).string();
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) {
      break;
    }
  }
  if (descriptor_ < 0) {
    throw EngineError("[EventFile] " + path_ + " cannot be created: " + std::strerror(errno));
  }
  try {
    write(event_head(wall_time, 0) + bytes_field(kFileVersion, "brain.Event:2"));
    const std::string start = key(1, Wire::kVarint) + varint(1);  // SessionLog.status = START
    write(event_head(wall_time, first_step) + bytes_field(kSessionLog, start));
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

EventFile::~EventFile() { ::close(descriptor_); }

void EventFile::step(std::size_t step, std::span<const Metric> metrics, double wall_time) {
  std::string summary;
  for (const Metric& metric : metrics) {
    summary += bytes_field(1, scalar(metric));
  }
  write(event_head(wall_time, step) + bytes_field(kSummary, summary));
}

void EventFile::write(std::string_view event) { append_all(descriptor_, framed(event), path_); }

void append_all(int descriptor, std::string_view bytes, const std::string& path) {
  if (!write_all(descriptor, bytes)) {
    throw EngineError("[train] " + path + " cannot be written: " + std::strerror(errno));
  }
}

}  // namespace endorm
