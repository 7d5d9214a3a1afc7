#pragma once

#include <nlohmann/json_fwd.hpp>

#include "train/response_rewards.h"
#include "train/rl_options.h"
#include "train/sft_options.h"
#include "train/trained_model.h"
#include "train/training_data.h"

// Everything that the weights at the end of a run depend on: its kind, the models by their fingerprints, the data by
// their hash, and every option that changes a number. Two runs of one manifest give one result. The type of products is
// what was chosen, so that a run does not go on in another on a machine where another is faster.
namespace endorm {

nlohmann::ordered_json sft_manifest(const SftOptions& options, const Engine& engine, const TrainingData& data,
                                    const ComputeType& compute);

nlohmann::ordered_json rl_manifest(const RlOptions& options, const FrozenModels& models, const RlProblems& data,
                                   const RlProblems& held_out, const ComputeType& compute);

}  // namespace endorm
