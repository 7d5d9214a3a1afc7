#pragma once

#include <string>

#include "train/compute_type.h"
#include "train/rl.h"

namespace endorm {

// Everything that the weights at the end depend on, as a JSON object: "kind": "rl", the models by their fingerprints,
// the data by their hash, and every option that changes a number. Two runs of one manifest give one result.
std::string rl_manifest(const RlOptions& options, const FrozenModels& models, const RlProblems& data,
                        const RlProblems& held_out, const ComputeType& compute);

}  // namespace endorm
