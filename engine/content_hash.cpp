#include "engine/content_hash.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include <openssl/evp.h>
#include <sys/stat.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::size_t kKeyBytes = 8;
constexpr std::size_t kReadBytes = std::size_t{1} << 20;

void require(int succeeded) {
  if (succeeded != 1) {
    throw EngineError("[Sha256] OpenSSL gives no SHA-256. Check the OpenSSL installation and its configuration file.");
  }
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1 ? 1 : 0);
}

void Sha256::update(std::string_view bytes) { update(bytes.data(), bytes.size()); }

void Sha256::update(const void* data, std::size_t size) { require(EVP_DigestUpdate(context_.get(), data, size)); }

Digest Sha256::finish() {
  Digest digest{};
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
  return digest;
}

Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

Digest sha256_file(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
  if (!file) {
    throw InvalidInput("[sha256_file] cannot open " + path + ": " + std::strerror(errno) + ". Check the path.");
  }
  Sha256 hash;
  std::vector<char> buffer(kReadBytes);
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    hash.update(buffer.data(), count);
  }
  if (std::ferror(file.get()) != 0) {
    throw EngineError("[sha256_file] cannot read " + path + ": " + std::strerror(errno) +
                      ". Give a regular file on a healthy disk.");
  }
  return hash.finish();
}

std::string hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string record_key(std::string_view line) { return record_key(sha256(line)); }

std::string record_key(const Digest& digest) { return hex(std::span(digest).first<kKeyBytes>()); }

std::optional<std::uint64_t> record_key_number(std::string_view key) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number, 16);
  const bool whole = key.size() == 2 * kKeyBytes && error == std::errc() && end == key.data() + key.size();
  return whole ? std::optional(number) : std::nullopt;
}

std::uint64_t seed_from(const Digest& digest) {
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < sizeof seed; ++i) {
    seed = seed << 8U | digest[i];
  }
  return seed;
}

std::string unhashed_file_identity(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw InvalidInput("[file] " + path + " cannot be opened: " + std::strerror(errno));
  }
  return std::filesystem::absolute(path).string() + " size " + std::to_string(status.st_size) + " inode " +
         std::to_string(status.st_ino) + " changed " + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
}

std::string cached_file_sha256(const std::string& path, const std::string& directory) {
  if (directory.empty()) {
    return hex(sha256_file(path));
  }
  const std::filesystem::path entry = std::filesystem::path(directory) / hex(sha256(unhashed_file_identity(path)));
  constexpr std::size_t kHexDigits = 64;
  std::string known;
  if (std::ifstream(entry) >> known && known.size() == kHexDigits) {
    return known;
  }
  std::string hash = hex(sha256_file(path));
  std::error_code ignored;  // a cache that cannot be written costs time, nothing else
  std::filesystem::create_directories(entry.parent_path(), ignored);
  std::ofstream(entry) << hash << '\n';
  return hash;
}

}  // namespace endorm
