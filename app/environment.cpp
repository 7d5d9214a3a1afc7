#include "app/environment.h"

#include <cstdio>
#include <cstdlib>

#include "core/errors.h"

namespace endorm {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string cache_directory() {
  if (std::string own = environment("ENDORM_CACHE_DIR"); !own.empty()) {
    return own;
  }
  if (const std::string xdg = environment("XDG_CACHE_HOME"); !xdg.empty()) {
    return xdg + "/endorm";
  }
  const std::string home = environment("HOME");
  if (home.empty()) {
    throw InvalidInput(
        "[cache] neither ENDORM_CACHE_DIR, XDG_CACHE_HOME nor HOME is set: there is no place for models");
  }
  return home + "/.cache/endorm";
}

ModelStoreOptions model_store_options(bool offline) {
  ModelStoreOptions options;
  options.cache_directory = cache_directory();
  options.offline = offline;
  options.hub_token = environment("HF_TOKEN");
  options.say = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  return options;
}

}  // namespace endorm
