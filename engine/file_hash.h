#pragma once

#include <string>

namespace endorm {

// SHA-256 of a file in hex, remembered in `directory` by path, size, inode and time of change; an empty directory: not
// remembered. Throws as sha256_file.
std::string cached_file_sha256(const std::string& path, const std::string& directory);

// Path, size, inode and time of change: names a file's content where hashing it was declined.
std::string unhashed_file_identity(const std::string& path);

}  // namespace endorm
