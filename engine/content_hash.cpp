#include "engine/content_hash.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include <openssl/evp.h>
#include <sys/stat.h>

#include "core/errors.h"

namespace endorm {
namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
      throw InternalError("[sha256] OpenSSL offers no SHA-256");
    }
  }

  void add(const void* bytes, std::size_t size) {
    if (EVP_DigestUpdate(context_.get(), bytes, size) != 1) {
      throw InternalError("[sha256] hashing failed");
    }
  }

  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_DigestFinal_ex(context_.get(), digest.data(), &size) != 1) {
      throw InternalError("[sha256] hashing failed");
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += kDigits[digest[i] >> 4];
      text += kDigits[digest[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.data(), bytes.size());
  return hash.hex();
}

std::string sha256_of_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) {
    throw InvalidInput("[sha256] " + path + " cannot be opened: " + std::strerror(errno));
  }
  Sha256 hash;
  std::vector<char> buffer(std::size_t{1} << 20);
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    hash.add(buffer.data(), size);
  }
  if (std::ferror(file.get()) != 0) {
    throw EngineError("[sha256] " + path + " cannot be read: " + std::strerror(errno));
  }
  return hash.hex();
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
    return sha256_of_file(path);
  }
  const std::filesystem::path entry = std::filesystem::path(directory) / sha256_hex(unhashed_file_identity(path));
  constexpr std::size_t kHexDigits = 64;
  std::string known;
  if (std::ifstream(entry) >> known && known.size() == kHexDigits) {
    return known;
  }
  const std::string hash = sha256_of_file(path);
  std::error_code ignored;  // a cache that cannot be written costs time, nothing else
  std::filesystem::create_directories(directory, ignored);
  std::ofstream(entry) << hash << '\n';
  return hash;
}

}  // namespace endorm
