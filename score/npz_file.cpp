#include "score/npz_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <unistd.h>

#include "core/errors.h"
#include "engine/nameless_file.h"

namespace endorm {
namespace {

constexpr std::size_t kBatchBytes = std::size_t{1} << 20;

// CRC-32 of ISO 3309, which ZIP archives have of each file.
class Crc32 {
 public:
  Crc32() {
    for (std::uint32_t byte = 0; byte < table_.size(); ++byte) {
      std::uint32_t value = byte;
      for (int bit = 0; bit < 8; ++bit) {
        value = (value >> 1U) ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);
      }
      table_[byte] = value;
    }
  }
  void add(std::string_view bytes) {
    for (const char byte : bytes) {
      state_ = (state_ >> 8U) ^ table_[(state_ ^ static_cast<unsigned char>(byte)) & 0xFFU];
    }
  }
  std::uint32_t value() const { return ~state_; }

 private:
  std::array<std::uint32_t, 256> table_{};
  std::uint32_t state_ = 0xFFFFFFFFU;
};

// Numbers of a ZIP archive, the lowest byte first.
class ZipFields {
 public:
  ZipFields& u16(std::uint64_t value) { return add(value, 2); }
  ZipFields& u32(std::uint64_t value) { return add(value, 4); }
  ZipFields& u64(std::uint64_t value) { return add(value, 8); }
  ZipFields& text(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  ZipFields& add(std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) {
      bytes_ += static_cast<char>(value >> (8 * i));
    }
    return *this;
  }

  std::string bytes_;
};

// Names and numbers of APPNOTE.TXT, 4.3 and 4.5.3. Every size stands in a field of ZIP64: archives have one form,
// however large.
constexpr std::uint64_t kVersion = 45;
constexpr std::uint64_t kStored = 0;
constexpr std::uint64_t kNoDate = 0x00210000;  // 1980-01-01: the same arrays give the same bytes
constexpr std::uint64_t kInZip64 = 0xFFFFFFFF;

struct ZipEntry {
  std::string name;
  std::uint32_t crc = 0;
  std::uint64_t bytes = 0;
  std::uint64_t begins = 0;
};

std::string local_header(const ZipEntry& entry) {
  ZipFields header;
  header.u32(0x04034B50).u16(kVersion).u16(0).u16(kStored).u32(kNoDate).u32(entry.crc).u32(kInZip64).u32(kInZip64);
  header.u16(entry.name.size()).u16(20).text(entry.name);
  return header.u16(1).u16(16).u64(entry.bytes).u64(entry.bytes).bytes();
}

std::string directory_entry(const ZipEntry& entry) {
  ZipFields fields;
  fields.u32(0x02014B50).u16(kVersion).u16(kVersion).u16(0).u16(kStored).u32(kNoDate).u32(entry.crc);
  fields.u32(kInZip64).u32(kInZip64).u16(entry.name.size()).u16(28).u16(0).u16(0).u16(0).u32(0).u32(kInZip64);
  fields.text(entry.name);
  return fields.u16(1).u16(24).u64(entry.bytes).u64(entry.bytes).u64(entry.begins).bytes();
}

std::string directory_end(std::uint64_t entries, std::uint64_t begins, std::uint64_t bytes) {
  ZipFields end;
  end.u32(0x06064B50).u64(44).u16(kVersion).u16(kVersion).u32(0).u32(0).u64(entries).u64(entries);
  end.u64(bytes).u64(begins);
  end.u32(0x07064B50).u32(0).u64(begins + bytes).u32(1);
  end.u32(0x06054B50).u16(0).u16(0).u16(entries).u16(entries).u32(kInZip64).u32(kInZip64).u16(0);
  return end.bytes();
}

// NumPy's header of an array (numpy.lib.format, version 1.0): what follows begins at a multiple of 64 bytes.
std::string npy_header(const std::string& type, std::uint64_t rows, std::optional<std::size_t> columns) {
  const std::string shape = std::to_string(rows) + "," + (columns ? " " + std::to_string(*columns) : "");
  std::string facts = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  constexpr std::size_t kBefore = 10;
  facts.append(63 - (kBefore + facts.size()) % 64, ' ');
  facts += '\n';
  return ZipFields().text("\x93NUMPY").u16(1).u16(facts.size()).text(facts).bytes();
}

template <typename Number>
constexpr const char* type_of() {
  if constexpr (std::is_same_v<Number, float>) {
    return "<f4";
  } else if constexpr (std::is_same_v<Number, std::uint8_t>) {
    return "|u1";
  } else {
    return sizeof(Number) == 4 ? "<i4" : "<i8";
  }
}

}  // namespace

struct NpzFile::Array {
  std::string name;
  std::string type;
  std::optional<std::size_t> columns;
  std::size_t element = 0;  // bytes
  NamelessFile file;
  std::string batch = {};   // behind what the file has
  std::uint64_t bytes = 0;  // of all rows
};

NpzFile::NpzFile(const std::string& path, std::string_view writer)
    : path_(path), writer_(writer), file_(path, writer) {}

NpzFile::~NpzFile() = default;

void NpzFile::fail(const char* action) const {
  throw EngineError("[" + writer_ + "] cannot " + action + " what goes to " + path_ + ": " + std::strerror(errno) +
                    ". Check its directory and the space on the disk.");
}

template <typename Number>
std::size_t NpzFile::add(const std::string& name, std::optional<std::size_t> columns) {
  Array array{name, type_of<Number>(), columns, sizeof(Number),
              NamelessFile(std::filesystem::path(path_).parent_path())};
  arrays_.push_back(std::move(array));
  return arrays_.size() - 1;
}

template std::size_t NpzFile::add<std::uint8_t>(const std::string&, std::optional<std::size_t>);
template std::size_t NpzFile::add<std::int32_t>(const std::string&, std::optional<std::size_t>);
template std::size_t NpzFile::add<std::int64_t>(const std::string&, std::optional<std::size_t>);
template std::size_t NpzFile::add<float>(const std::string&, std::optional<std::size_t>);

void NpzFile::append_bytes(std::size_t place, std::string_view bytes, std::size_t element) {
  Array& array = arrays_.at(place);
  if (element != array.element || bytes.size() % (element * array.columns.value_or(1)) != 0) {
    throw InternalError("[NpzFile] what is added to " + array.name + " are no rows of it.");
  }
  array.batch += bytes;
  array.bytes += bytes.size();
  if (array.batch.size() >= kBatchBytes) {
    write_batch(array);
  }
}

void NpzFile::write_batch(Array& array) const {
  if (!write_all(array.file.descriptor(), array.batch)) {
    fail("write");
  }
  array.batch.clear();
}

// What it has, in pieces.
void NpzFile::read_all(const Array& array, const std::function<void(std::string_view)>& take) const {
  std::string piece(kBatchBytes, '\0');
  for (std::uint64_t at = 0; at < array.bytes;) {
    const ssize_t read = ::pread(array.file.descriptor(), piece.data(), piece.size(), static_cast<off_t>(at));
    if (read < 0 && errno == EINTR) {
      continue;
    }
    if (read <= 0) {
      fail("read");
    }
    take(std::string_view(piece).substr(0, static_cast<std::size_t>(read)));
    at += static_cast<std::uint64_t>(read);
  }
}

void NpzFile::commit() {
  std::string directory;
  std::uint64_t written = 0;
  const auto write = [&](std::string_view bytes) {
    file_.write(bytes);
    written += bytes.size();
  };
  for (Array& array : arrays_) {
    write_batch(array);
    const std::uint64_t rows = array.bytes / (array.element * array.columns.value_or(1));
    const std::string header = npy_header(array.type, rows, array.columns);
    Crc32 crc;
    crc.add(header);
    read_all(array, [&](std::string_view bytes) { crc.add(bytes); });
    const ZipEntry entry{array.name + ".npy", crc.value(), header.size() + array.bytes, written};
    write(local_header(entry));
    write(header);
    read_all(array, write);
    directory += directory_entry(entry);
  }
  const std::uint64_t begins = written;
  write(directory);
  write(directory_end(arrays_.size(), begins, directory.size()));
  file_.commit();
}

}  // namespace endorm
