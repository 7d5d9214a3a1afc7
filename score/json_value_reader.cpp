#include "score/json_value_reader.h"

#include <string_view>
#include <utility>

namespace endorm {
namespace {

bool is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'; }

}  // namespace

JsonValueReader::JsonValueReader(std::unique_ptr<InputBytes> bytes, std::size_t limit)
    : bytes_(std::move(bytes)), limit_(limit) {}

// Whether a value begins with this byte, which stands between values.
bool JsonValueReader::begins(char first) {
  if (is_blank(first)) {
    line_ += first == '\n' ? 1 : 0;
    return false;
  }
  if (place_ == Place::kBeforeArray) {
    in_array_ = first == '[';
    place_ = Place::kBetween;
    return !in_array_;
  }
  if (place_ == Place::kBetween && in_array_ && first == ']') {
    place_ = Place::kBehind;
    return false;
  }
  return first != ',';
}

// How much of `rest` is of the value; ended: whether the value ends there.
std::size_t JsonValueReader::part_of_value(std::string_view rest, bool& ended) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char byte = rest[i];
    line_ += byte == '\n' ? 1 : 0;
    if (in_string_) {
      in_string_ = escaped_ || byte != '"';
      escaped_ = !escaped_ && byte == '\\';
      ended = !in_string_ && depth_ == 0;
    } else if (byte == '"') {
      in_string_ = true;
    } else if (byte == '{' || byte == '[') {
      ++depth_;
    } else if (depth_ > 0) {
      depth_ -= byte == '}' || byte == ']' ? 1 : 0;
      ended = depth_ == 0;
    } else if (is_blank(byte) || byte == ',' || (in_array_ && byte == ']')) {  // behind a number or a word
      ended = true;
      line_ -= byte == '\n' ? 1 : 0;  // it is seen again
      return i;
    }
    if (ended) {
      return i + 1;
    }
  }
  return rest.size();
}

// The end of a file whose array has none, as one record that is none.
InputLine JsonValueReader::missing_end() {
  place_ = Place::kBehind;
  InputLine line = GrowingRecord(++values_, limit_).finish();
  line.error = "the file ends, at line " + std::to_string(line_) +
               ", and its JSON array is not closed: what stood behind "
               "is lost.";
  return line;
}

// What stands behind the end of the array, as one record that is none.
InputLine JsonValueReader::rest_of_file() {
  GrowingRecord record(++values_, limit_);
  for (std::string_view rest = bytes_->rest(); !rest.empty(); rest = bytes_->rest()) {
    record.append(rest);
    bytes_->use(rest.size());
  }
  InputLine line = record.finish();
  line.text.clear();
  line.error = "line " + std::to_string(line_) + ": behind the end of the JSON array stands more.";
  return line;
}

std::optional<InputLine> JsonValueReader::next() {
  for (std::string_view rest = bytes_->rest(); !rest.empty(); rest = bytes_->rest()) {
    if (!begins(rest.front())) {
      bytes_->use(1);
      continue;
    }
    if (place_ == Place::kBehind) {
      return rest_of_file();
    }
    const std::size_t line = line_;
    GrowingRecord value(++values_, limit_);
    bool ended = false;
    depth_ = 0;
    in_string_ = escaped_ = false;
    while (!ended && !(rest = bytes_->rest()).empty()) {
      const std::size_t part = part_of_value(rest, ended);
      value.append(rest.substr(0, part));
      bytes_->use(part);
    }
    const bool cut = !ended && (depth_ > 0 || in_string_);
    InputLine record = value.finish();
    if (cut) {
      place_ = Place::kBehind;
      record.text.clear();
      record.error = "the file ends, at line " + std::to_string(line_) + ", within the value that begins at line " +
                     std::to_string(line) + ": its brackets or quotes are not closed, and what stands behind is lost.";
    }
    return record;
  }
  return in_array_ && place_ == Place::kBetween ? std::optional(missing_end()) : std::nullopt;
}

}  // namespace endorm
