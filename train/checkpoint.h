#pragma once

#include <cstddef>
#include <string>

#include "train/decoder.h"
#include "train/optimizer.h"

namespace endorm {

// Writes what a run needs to go on after `step` steps: the weights that learn, the optimizer's moments, and the
// fingerprint of the run. The file appears complete or not at all: a checkpoint that was at path stays until then.
// Throws EngineError where it cannot be written, e.g. on a full disk.
void save_checkpoint(const std::string& path, const std::string& fingerprint, std::size_t step,
                     const NamedTensors& learning, const Optimizer& optimizer);

// Loads them into `learning` and `optimizer`; returns the steps that were done. Throws InvalidInput where the file is
// damaged or belongs to a run with another fingerprint.
std::size_t load_checkpoint(const std::string& path, const std::string& fingerprint, const NamedTensors& learning,
                            Optimizer& optimizer);

}  // namespace endorm
