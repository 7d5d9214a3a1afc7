#include "app/server/api_keys.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <string_view>
#include <utility>

#include "app/server/http_error.h"
#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";

std::string without_blanks(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::vector<std::string> keys_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw InvalidInput("[serve] --api-key-file " + path + " cannot be read.");
  }
  std::vector<std::string> keys;
  for (std::string line; std::getline(file, line);) {
    const std::string key = without_blanks(line.substr(0, line.find('#')));
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
    if (key.empty() || without_blanks(key) != key) {
      throw InvalidInput("[serve] --api-key is empty or has white space at its ends: no request can bring it.");
    }
  }
  read_again();
}

bool ApiKeys::allow(const std::string& authorization) const {
  constexpr std::string_view kScheme = "bearer ";
  const bool bearer = authorization.size() > kScheme.size() &&
                      std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), [](char known, char sent) {
                        return known == std::tolower(static_cast<unsigned char>(sent));
                      });
  if (!bearer) {
    return false;
  }
  const std::string sent = without_blanks(authorization.substr(kScheme.size()));
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
