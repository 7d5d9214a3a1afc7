#include "engine/read_whole_file.h"

#include <array>
#include <filesystem>
#include <fstream>

#include "core/errors.h"

namespace endorm {

std::string read_whole_file(std::string_view reader, const std::string& path, std::string_view remedy) {
  const std::string name = "[" + std::string(reader) + "] ";
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    throw InvalidInput(name + path + " cannot be read. " + std::string(remedy));
  }
  std::string bytes;
  std::array<char, 1 << 16> block{};
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    bytes.append(block.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) {
    throw EngineError(name + path + " cannot be read to its end. Check the disk and try again.");
  }
  return bytes;
}

}  // namespace endorm
