#include "train/sft_session.h"

#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "train/manifest.h"
#include "train/sft.h"
#include "train/trained_model.h"

namespace endorm {

TrainingOutcome run_sft(const SftOptions& given, const Engine& engine, const StepReport& report) {
  SftOptions options = given;
  const auto read = [&](const std::string& path) {
    return path.empty() ? TrainingData()
                        : read_training_data(path, engine, options.text, options.max_tokens, options.every_turn);
  };
  const TrainingData data = read(options.data);
  const TrainingData held_out = read(options.held_out);
  if (options.run.steps == 0) {
    options.run.steps = (options.epochs * data.sequences.size() + options.batch - 1) / options.batch;
  }
  TrainedModel model = load_trained_model(options.run, engine.model().vocabulary);
  SftRun run(model.decoder, data, held_out, options);
  TrainingOutcome outcome =
      run_training(run, model, options.run, sft_manifest(options, engine, data, model.compute), report);
  outcome.examples = data.sequences.size();
  outcome.left_out = data.left_out;
  outcome.left_out.insert(outcome.left_out.end(), held_out.left_out.begin(), held_out.left_out.end());
  return outcome;
}

}  // namespace endorm
