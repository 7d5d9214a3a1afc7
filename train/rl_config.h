#pragma once

#include <string>
#include <vector>

#include "score/config_table.h"
#include "train/rl_options.h"

namespace endorm {

// Reads the configuration of a run (`endorm rl --keys` has every key). Throws InvalidInput where the file cannot be
// read or is no TOML, for a key that is none, and for a value that is out of its range or does not fit another.
RlOptions read_rl_config(const std::string& path);

// Every key with what holds where it is not given.
std::vector<ConfigKey> rl_config_keys();

}  // namespace endorm
