#include "app/server/api_keys.h"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <utility>

#include "app/server/http_error.h"
#include "core/ascii_lower.h"
#include "core/errors.h"
#include "core/trimmed.h"

namespace endorm {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";

// A remark begins with # at the beginning of a line or behind white space; some editors put a byte-order mark first.
std::string_view without_remark(std::string_view line) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  line.remove_prefix(line.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
  for (std::size_t place = line.find('#'); place != std::string_view::npos; place = line.find('#', place + 1)) {
    if (place == 0 || kBlanks.find(line[place - 1]) != std::string_view::npos) {
      return line.substr(0, place);
    }
  }
  return line;
}

std::vector<std::string> keys_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw InvalidInput("[serve] --api-key-file " + path + " cannot be read.");
  }
  std::vector<std::string> keys;
  for (std::string line; std::getline(file, line);) {
    const std::string key(trimmed(without_remark(line), kBlanks));
    if (!key.empty()) {
      keys.push_back(key);
    }
  }
  if (keys.empty()) {
    throw InvalidInput("[serve] --api-key-file " + path + " has no key. Write one a line.");
  }
  return keys;
}

}  // namespace

ApiKeys::ApiKeys(std::vector<std::string> given, std::string file) : given_(std::move(given)), file_(std::move(file)) {
  for (const std::string& key : given_) {
    if (key.empty() || trimmed(key, kBlanks) != key) {
      throw InvalidInput("[serve] --api-key is empty or has white space at its ends: no request can bring it.");
    }
  }
  read_again();
}

bool ApiKeys::allow(const std::string& authorization) const {
  constexpr std::string_view kScheme = "bearer ";
  if (ascii_lower(std::string_view(authorization).substr(0, kScheme.size())) != kScheme) {
    return false;
  }
  const std::string sent(trimmed(std::string_view(authorization).substr(kScheme.size()), kBlanks));
  bool allowed = false;
  const auto compare = [&](const std::string& key) { allowed = same_secret(sent, key) || allowed; };
  std::ranges::for_each(given_, compare);
  const std::lock_guard lock(mutex_);
  std::ranges::for_each(of_file_, compare);
  return allowed;
}

void ApiKeys::read_again() {
  if (file_.empty()) {
    return;
  }
  std::vector<std::string> keys = keys_of(file_);
  const std::lock_guard lock(mutex_);
  of_file_ = std::move(keys);
}

}  // namespace endorm
