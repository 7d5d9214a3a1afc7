#include "engine/accelerator/mapped_pages.h"

#include <cstdint>

#if defined(__linux__)
#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

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

// The whole pages inside [data, data + bytes); empty where there is none.
std::pair<std::uintptr_t, std::uintptr_t> whole_pages(const void* data, std::size_t bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(data) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(data) + bytes) / page * page;
  return {begin, std::max(begin, end)};
}

// Advice: where the kernel does not take it, nothing is lost.
bool give_back(const void* data, std::uintptr_t begin, std::uintptr_t end) {
  auto* first = const_cast<char*>(static_cast<const char*>(data)) + (begin - reinterpret_cast<std::uintptr_t>(data));
  return ::madvise(first, end - begin, MADV_DONTNEED) == 0;
}

}  // namespace

std::size_t release_mapped_pages(const void* data, std::size_t bytes) {
  const auto [begin, end] = whole_pages(data, bytes);
  return begin < end && belongs_to_file(begin, end) && give_back(data, begin, end) ? end - begin : 0;
}

void forget_pages(void* data, std::size_t bytes) {
  const auto [begin, end] = whole_pages(data, bytes);
  if (begin < end) {
    give_back(data, begin, end);
  }
}
#else
std::size_t release_mapped_pages(const void*, std::size_t) { return 0; }
void forget_pages(void*, std::size_t) {}
#endif

}  // namespace endorm
