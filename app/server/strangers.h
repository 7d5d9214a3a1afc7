#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/server/http_error.h"
#include "app/server/http_message.h"

namespace endorm {

bool is_loopback(const std::string& host);

// Why a request that a web page of another origin began is not taken, or one that came by a name that is not this
// server's, as such a page's does where its name was pointed at this machine; or nothing.
// allowed: names beside those of this machine itself. any_host: who asks shows otherwise that it may (a key).
std::optional<HttpError> refuse_stranger(const HttpRequest& request, const std::vector<std::string>& allowed,
                                         bool any_host);

}  // namespace endorm
