#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace endorm {

// A SHA-256 digest.
using Digest = std::array<unsigned char, 32>;

// SHA-256 of bytes that arrive in pieces. One use: after finish() nothing more may be added.
class Sha256 {
 public:
  Sha256();  // throws EngineError where OpenSSL gives no SHA-256

  void update(std::string_view bytes);
  void update(const void* data, std::size_t size);
  Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

Digest sha256(std::string_view bytes);

// Streamed: memory does not grow with the file. Throws InvalidInput where the file cannot be opened, EngineError where
// reading fails.
Digest sha256_file(const std::string& path);

// Two lower-case digits a byte.
std::string hex(std::span<const unsigned char> bytes);

// What resume compares: the first 16 hex digits of the line's SHA-256. The line comes without its line ending.
std::string record_key(std::string_view line);
std::string record_key(const Digest& digest);
// As a number; none where the text is no such key.
std::optional<std::uint64_t> record_key_number(std::string_view key);

// A seed of a stream of random numbers: the first eight bytes, the most significant one first.
std::uint64_t seed_from(const Digest& digest);

// SHA-256 of a file in hex, remembered in `directory` by path, size, inode and time of change; an empty directory: not
// remembered. Throws as sha256_file.
std::string cached_file_sha256(const std::string& path, const std::string& directory);

// Path, size, inode and time of change: names a file's content where hashing it was declined.
std::string unhashed_file_identity(const std::string& path);

}  // namespace endorm
