#pragma once

#include <string>

#include "engine/model_store.h"

namespace endorm {

// A variable of the environment; empty where it is not set.
std::string environment(const char* name);

// Where models and hashes are kept: $ENDORM_CACHE_DIR, else $XDG_CACHE_HOME/endorm, else ~/.cache/endorm. Throws
// InvalidInput where none of these is set.
std::string cache_directory();

// Where OpenSSL was built for another distribution (a wheel, a moved binary) and so finds no certificates of
// authorities: sets $SSL_CERT_FILE to those of this one. To be called before there are threads.
void find_certificates();

// Models of the cache directory; what is being fetched is told on standard error.
ModelStoreOptions model_store_options(bool offline);

}  // namespace endorm
