#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "engine/content_hash.h"
#include "score/record_input.h"

namespace endorm {

// A record that is being read: its text, or, past the limit, its hash alone.
class GrowingRecord {
 public:
  GrowingRecord(std::size_t line, std::size_t limit) : limit_(limit) { record_.number = line; }

  void append(std::string_view part) {
    length_ += part.size();
    if (!overlong_ && length_ > limit_) {
      overlong_.emplace();
      overlong_->update(record_.text);
      record_.text = {};
    }
    if (overlong_) {
      overlong_->update(part);
    } else {
      record_.text.append(part);
    }
  }

  bool is_overlong() const { return overlong_.has_value(); }
  std::string& text() { return record_.text; }
  const std::string& text() const { return record_.text; }
  std::size_t number() const { return record_.number; }

  // With its key; an error where it was too long.
  InputLine finish() {
    if (overlong_) {
      record_.key = record_key(overlong_->finish());
      record_.error = "line " + std::to_string(record_.number) + " has " + std::to_string(length_) +
                      " bytes, more than the limit of " + std::to_string(limit_) + ". Split or shorten this record.";
    } else {
      record_.key = record_key(record_.text);
    }
    return std::move(record_);
  }

 private:
  InputLine record_;
  std::size_t limit_;
  std::size_t length_ = 0;
  std::optional<Sha256> overlong_;
};

}  // namespace endorm
