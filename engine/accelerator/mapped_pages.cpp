#include "engine/accelerator/mapped_pages.h"

#include <cstdint>

#if defined(__linux__)
#include <fstream>
#include <sstream>
#include <string>

#include <sys/mman.h>
#include <unistd.h>
#endif

namespace endorm {

#if defined(__linux__)
namespace {

// Whether [begin, end) lies in one mapping of a file that nobody writes to through it.
bool belongs_to_file(std::uintptr_t begin, std::uintptr_t end) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    // 7f0000000000-7f0000001000 r--s 00000000 08:01 1234 /path
    std::istringstream words(line);
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    char dash = 0;
    std::string permissions;
    std::string offset;
    std::string device;
    std::string inode;
    words >> std::hex >> from >> dash >> to >> permissions >> offset >> device >> inode;
    if (begin >= from && end <= to) {
      return words && permissions.size() == 4 && permissions[1] == '-' && inode != "0";
    }
  }
  return false;
}

}  // namespace

std::size_t release_mapped_pages(const void* data, std::size_t bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(data) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(data) + bytes) / page * page;
  if (begin >= end || !belongs_to_file(begin, end)) {
    return 0;
  }
  // Advice: where the kernel does not take it, nothing is lost.
  return ::madvise(const_cast<char*>(static_cast<const char*>(data)) + (begin - reinterpret_cast<std::uintptr_t>(data)),
                   end - begin, MADV_DONTNEED) == 0
             ? end - begin
             : 0;
}
#else
std::size_t release_mapped_pages(const void*, std::size_t) { return 0; }
#endif

}  // namespace endorm
