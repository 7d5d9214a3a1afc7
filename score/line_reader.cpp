#include "score/line_reader.h"

#include <string_view>
#include <utility>

#include "score/growing_record.h"

namespace endorm {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

}  // namespace

LineReader::LineReader(const std::string& path, std::size_t limit)
    : LineReader(std::make_unique<InputBytes>(path), limit) {}

LineReader::LineReader(std::unique_ptr<InputBytes> bytes, std::size_t limit)
    : bytes_(std::move(bytes)), limit_(limit) {}

std::optional<InputLine> LineReader::next() {
  while (!bytes_->rest().empty()) {
    GrowingRecord line(++number_, limit_);
    bool ended = false;
    for (std::string_view rest = bytes_->rest(); !ended && !rest.empty(); rest = bytes_->rest()) {
      const std::size_t newline = rest.find('\n');
      ended = newline != std::string_view::npos;
      const std::string_view part = rest.substr(0, newline);
      line.append(part);
      bytes_->use(part.size() + (ended ? 1 : 0));
      if (ended) {
        break;
      }
    }
    if (!line.is_overlong()) {
      if (line.text().ends_with('\r')) {
        line.text().pop_back();
      }
      if (line.text().find_first_not_of(kBlanks) == std::string::npos) {
        continue;
      }
    }
    return line.finish();
  }
  return std::nullopt;
}

}  // namespace endorm
