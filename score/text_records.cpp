#include "score/text_records.h"

#include <optional>
#include <string_view>
#include <utility>

#include "score/json_value_reader.h"
#include "score/line_reader.h"
#include "score/table_reader.h"

namespace endorm {
namespace {

// Whether a line that begins with a bracket leaves one open, outside of quotes: the value goes on behind it.
bool goes_on(std::string_view line) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (in_string) {
      i += line[i] == '\\' ? 1 : 0;
      in_string = i >= line.size() || line[i] != '"';
    } else if (line[i] == '"') {
      in_string = true;
    } else if (line[i] == '{' || line[i] == '[') {
      ++depth;
    } else if (depth > 0 && (line[i] == '}' || line[i] == ']')) {
      --depth;
    }
  }
  return depth > 0 && !in_string;
}

}  // namespace

std::unique_ptr<RecordInput> text_records(std::unique_ptr<InputBytes> bytes, std::size_t limit) {
  const std::string_view block = bytes->rest();
  const std::size_t first = block.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos) {
    const std::size_t end = block.find('\n', first);
    const std::string_view line = block.substr(first, end == std::string_view::npos ? end : end - first);
    // A line of JSON lines that is cut is followed by one that begins anew.
    const bool anew = end != std::string_view::npos && block.substr(end + 1).starts_with('{');
    if (line.front() == '[' || (line.front() == '{' && end != std::string_view::npos && goes_on(line) && !anew)) {
      return std::make_unique<JsonValueReader>(std::move(bytes), limit);
    }
    const std::optional<char> separator = line.front() == '{' ? std::nullopt : table_separator(line);
    if (separator) {
      return std::make_unique<TableReader>(std::move(bytes), *separator, limit);
    }
  }
  return std::make_unique<LineReader>(std::move(bytes), limit);
}

}  // namespace endorm
