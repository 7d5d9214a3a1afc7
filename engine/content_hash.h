#pragma once

#include <string>
#include <string_view>

namespace endorm {

// SHA-256 in lower-case hex.
std::string sha256_hex(std::string_view bytes);

// SHA-256 of a whole file. Throws InvalidInput where it cannot be opened, EngineError where reading fails.
std::string sha256_of_file(const std::string& path);

// As sha256_of_file, remembered in `directory` by path, size, inode and time of change; an empty directory: not
// remembered.
std::string cached_file_sha256(const std::string& path, const std::string& directory);

// Path, size and time of change: names a file's content where hashing it was declined.
std::string unhashed_file_identity(const std::string& path);

}  // namespace endorm
