// Arbitrary bytes taken for a file of records: their numbers rise, each has a text or a reason, and at the end all
// bytes were used; or the file is refused.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <sys/mman.h>
#include <unistd.h>

#include "core/errors.h"
#include "score/text_records.h"
#include "tests/fuzz/promises.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimit = 256;
  const int file = ::memfd_create("records", 0);
  require(file >= 0 && ::write(file, data, size) == static_cast<ssize_t>(size) && ::lseek(file, 0, SEEK_SET) == 0);
  std::size_t lines = 1;
  for (std::size_t i = 0; i < size; ++i) {
    lines += data[i] == '\n' ? 1 : 0;
  }
  std::unique_ptr<endorm::RecordInput> records;
  try {
    records = endorm::text_records(std::make_unique<endorm::InputBytes>(file, "input"), kLimit);
  } catch (const endorm::InvalidInput&) {  // two columns of one name
    ::close(file);
    return 0;
  }
  std::size_t last = 0;
  while (const std::optional<endorm::InputLine> line = records->next()) {
    require(line->number >= last && line->number >= 1 && line->number <= lines + size);
    last = line->number;
    require(line->key.size() == 16);
    require(line->error ? line->text.empty() : !line->text.empty());
  }
  require(records->bytes_used() == size);
  ::close(file);
  return 0;
}
