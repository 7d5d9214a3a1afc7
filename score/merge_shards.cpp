#include "score/merge_shards.h"

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/line_reader.h"
#include "score/score_run.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& why) { throw InvalidInput("[merge] " + why); }

// Of one shard: its rows still to be read.
struct ShardFile {
  std::string path;
  std::unique_ptr<LineReader> lines;
};

// Takes the manifest from the file's first line: what all shards have in common stays in it.
Shard take_shard(ShardFile& file, json& manifest) {
  const std::optional<InputLine> first = file.lines->next();
  const json line = first && !first->error ? json::parse(first->text, nullptr, false) : json();
  const json::json_pointer place("/manifest/options/shard");
  if (!line.is_object() || !line.contains(place)) {
    refuse(file.path + " does not begin with the manifest of a result file");
  }
  if (!line.at(place).is_string()) {
    refuse(file.path + " is of a whole run, not of a shard");
  }
  const std::optional<Shard> shard = parse_shard(line.at(place).get<std::string>());
  if (!shard) {
    refuse(file.path + " is shard " + line.at(place).dump() + ", which there cannot be");
  }
  manifest = line;
  manifest["manifest"].erase("run");
  manifest.at(place) = nullptr;
  return *shard;
}

}  // namespace

void merge_shards(std::span<const std::string> paths, const std::function<void(std::string_view line)>& sink) {
  std::map<std::size_t, ShardFile> shards;
  std::size_t count = 0;
  json manifest;
  for (const std::string& path : paths) {
    ShardFile file{path, std::make_unique<LineReader>(path)};
    json own;
    const auto [index, of] = take_shard(file, own);
    if (!shards.empty() && (own != manifest || of != count)) {
      refuse(path + " was made with other settings, data, model or number of shards than " + paths.front());
    }
    manifest = std::move(own);
    count = of;
    if (!shards.emplace(index, std::move(file)).second) {
      refuse("shard " + std::to_string(index) + "/" + std::to_string(count) + " is there twice, once in " + path);
    }
  }
  for (std::size_t i = 1; i <= count; ++i) {
    if (!shards.contains(i)) {
      refuse("shard " + std::to_string(i) + "/" + std::to_string(count) + " is missing");
    }
  }
  sink(manifest.dump());
  // Records were dealt out in turn, so rows are taken up in turn; after the first shard that ends all must end.
  const ShardFile* ended = nullptr;
  for (std::size_t row = 0; ended == nullptr || row % count != 0; ++row) {
    ShardFile& file = shards.at(row % count + 1);
    const std::optional<InputLine> line = file.lines->next();
    if (line && line->error) {
      refuse(file.path + ": " + *line->error);
    }
    if (line && ended != nullptr) {
      refuse(ended->path + " has fewer rows than " + file.path + " says there must be: it is not finished");
    }
    if (line) {
      sink(line->text);
    } else if (ended == nullptr) {
      ended = &file;
    }
  }
  for (auto& [index, file] : shards) {
    if (file.lines->next()) {
      refuse(ended->path + " has fewer rows than " + file.path + " says there must be: it is not finished");
    }
  }
}

}  // namespace endorm
