#include "app/environment.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <openssl/x509.h>

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

void find_certificates() {
  const auto is_there = [](const char* path) {
    std::error_code failure;
    return std::filesystem::exists(path, failure);
  };
  if (!environment("SSL_CERT_FILE").empty() || !environment("SSL_CERT_DIR").empty() ||
      is_there(X509_get_default_cert_file()) || is_there(X509_get_default_cert_dir())) {
    return;
  }
  constexpr std::array kFiles = {"/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Arch
                                 "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, RHEL
                                 "/etc/ssl/ca-bundle.pem",              // SUSE
                                 "/etc/ssl/cert.pem"};
  const auto found = std::find_if(kFiles.begin(), kFiles.end(), is_there);
  if (found != kFiles.end()) {
    setenv("SSL_CERT_FILE", *found, 1);
  }
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
