#include "score/media_source.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/base64.h"
#include "core/errors.h"
#include "core/utf8.h"
#include "engine/read_whole_file.h"

namespace endorm {
namespace {

namespace fs = std::filesystem;

std::string bytes_of_uri(std::string_view uri) {
  const std::size_t comma = uri.find(',');
  const std::string_view head = uri.substr(0, comma);
  if (comma == std::string_view::npos || !head.ends_with(";base64")) {
    throw InvalidInput("a data: URI is data:image/png;base64,...");
  }
  std::optional<std::string> bytes = bytes_of_base64(uri.substr(comma + 1));
  if (!bytes) {
    throw InvalidInput("what stands behind \";base64,\" is no base64.");
  }
  return std::move(*bytes);
}

std::string bytes_of_file(std::string_view path, const MediaRules& rules) {
  if (!rules.root) {
    throw InvalidInput("files are not read here. Send a data: URI.");
  }
  std::error_code failure;
  const fs::path root = fs::weakly_canonical(rules.root->empty() ? "." : *rules.root, failure);
  const fs::path base = rules.base.empty() ? root : fs::absolute(rules.base, failure);
  const fs::path file = fs::weakly_canonical(base / path, failure);
  const auto [inside, rest] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  if (inside != root.end()) {
    throw InvalidInput("it does not lie in " + root.string() +
                       ". Give --media-root, the directory that files may lie in.");
  }
  if (!fs::is_regular_file(file, failure)) {
    throw InvalidInput("there is no such file in " + root.string() + ".");
  }
  if (const auto size = fs::file_size(file, failure); !failure && size > rules.most_bytes) {
    throw InvalidInput("it has " + std::to_string(size) + " bytes, more than " + std::to_string(rules.most_bytes) +
                       ".");
  }
  return read_whole_file("medium", file.string());
}

std::shared_ptr<const Medium> read(std::string_view source, const MediaRules& rules) {
  if (source.starts_with("http://") || source.starts_with("https://")) {
    throw InvalidInput("nothing is fetched from the network. Give a file, or a data: URI.");
  }
  constexpr std::string_view kFile = "file://";
  if (source.starts_with(kFile)) {
    source.remove_prefix(kFile.size());
  }
  return make_medium(source.starts_with("data:") ? bytes_of_uri(source) : bytes_of_file(source, rules));
}

}  // namespace

void load_media(std::vector<Message>& messages, const MediaRules& rules) {
  for (Message& message : messages) {
    for (PlacedMedium& placed : message.media) {
      if (placed.medium) {
        continue;
      }
      try {
        placed.medium = read(placed.source, rules);
      } catch (const InvalidInput& error) {
        throw InvalidInput("\"" + excerpt(placed.source) + "\": " + error.what());
      }
      if (placed.source.starts_with("data:")) {
        placed.source = "sha256:" + placed.medium->sha256;  // the bytes are held once
      }
    }
  }
}

}  // namespace endorm
