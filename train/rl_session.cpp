#include "train/rl_session.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/llama/llama_engine.h"
#include "engine/weights/weight_file.h"
#include "train/decoder_loading.h"
#include "train/export.h"
#include "train/frozen_model.h"
#include "train/peft_adapter.h"
#include "train/policy_sampler.h"
#include "train/rl_manifest.h"
#include "train/rl_numbers.h"
#include "train/run_directory.h"

namespace endorm {
namespace {

// The frozen models of a run: the policy it begins with, and others only where they are named.
class Models {
 public:
  Models(const RlOptions& options, const LlamaEngineOptions& engine)
      : engine_(engine),
        start_(std::make_shared<FrozenModel>(engine)),
        reward_(other(options.reward_model)),
        reference_(options.reference_model == options.reward_model ? reward_ : other(options.reference_model)) {}

  const FrozenModel& start() const { return *start_; }
  FrozenModels frozen() const {
    return {.start = start_.get(), .reward = reward_.get(), .reference = reference_.get()};
  }

  // From here on the reward model is that of `path`.
  void refresh(const std::string& path) {
    LlamaEngineOptions engine = engine_;
    engine.model_path = path;
    reward_ = std::make_shared<FrozenModel>(engine);
  }

 private:
  std::shared_ptr<const FrozenModel> other(const std::string& path) const {
    if (path.empty()) {
      return start_;
    }
    LlamaEngineOptions engine = engine_;
    engine.model_path = path;
    auto model = std::make_shared<const FrozenModel>(engine);
    if (model->vocabulary() != start_->vocabulary()) {
      throw InvalidInput("[rl] " + path + " has " + std::to_string(model->vocabulary()) + " tokens and the policy " +
                         std::to_string(start_->vocabulary()) + ": it cannot read what the policy writes");
    }
    return model;
  }

  LlamaEngineOptions engine_;
  std::shared_ptr<const FrozenModel> start_;
  std::shared_ptr<const FrozenModel> reward_;     // may be any of the others
  std::shared_ptr<const FrozenModel> reference_;  // likewise
};

// A run and all that it holds; the order of the members is the order in which they need each other.
class Session {
 public:
  Session(const RlOptions& options, const LlamaEngineOptions& engine)
      : options_(options),
        models_(options, engine),
        file_(engine.model_path),
        data_(read_rl_problems(options.data, models_.start().engine(), options.rollout.text,
                               options.rollout.max_prompt_tokens, needs_answers(options))),
        held_out_(options.held_out.empty()
                      ? RlProblems()
                      : read_rl_problems(options.held_out, models_.start().engine(), options.rollout.text,
                                         options.rollout.max_prompt_tokens, true)),
        loaded_(load_decoder(file_, {.vocabulary = models_.start().vocabulary(),
                                     .device = options.device,
                                     .compute = options.compute,
                                     .recompute_layers = options.update.recompute_layers,
                                     .lora_rank = options.lora_rank,
                                     .lora_alpha = options.lora_alpha,
                                     .seed = options.seed})),
        sampler_(sampler_engine(engine, options), file_, options.directory),
        run_(loaded_.decoder, sampler_, data_, options),
        manifest_(rl_manifest(options, models_.frozen(), data_, held_out_, loaded_.compute)),
        fingerprint_(record_key(manifest_)) {}

  RlOutcome run(const std::function<void(const RlProgress&)>& report) {
    resume();
    RlOutcome outcome;
    outcome.resumed_at = run_.steps_done();
    outcome.problems = data_.problems.size();
    outcome.left_out = data_.left_out;
    outcome.left_out.insert(outcome.left_out.end(), held_out_.left_out.begin(), held_out_.left_out.end());
    outcome.compute = compute_name(loaded_.compute) + ": " + loaded_.compute.reason;
    RunLog log(in_directory("run.jsonl"), manifest_, run_.steps_done(), options_.directory);
    Guards guards(options_.guards);
    for (const LoggedStep& step : log.earlier_steps()) {
      guards.check(health_of(step.step, step.metrics));
    }
    while (run_.steps_done() < options_.steps && outcome.fault.empty()) {
      RlProgress progress{.step = advance(outcome), .steps = options_.steps};
      log.step(progress.step.step, progress.step.metrics);
      for (const LoggedSample& sample : progress.step.samples) {
        log.sample(progress.step.step, sample);
      }
      if (const auto verdict = guards.check(health_of(progress.step.step, progress.step.metrics))) {
        outcome.fault = verdict->reason;
      } else {
        keep();
      }
      report(progress);
    }
    if (!outcome.fault.empty() && options_.on_fault == OnFault::kRollBack && checkpointed()) {
      run_.resume(in_directory("checkpoint"), fingerprint_);
    }
    outcome.exported_step = run_.steps_done();
    outcome.exported = write_result();
    return outcome;
  }

 private:
  static bool needs_answers(const RlOptions& options) {
    return std::any_of(options.rewards.begin(), options.rewards.end(),
                       [](const RewardSpec& source) { return source.kind == RewardKind::kVerified; });
  }

  static LlamaEngineOptions sampler_engine(LlamaEngineOptions engine, const RlOptions& options) {
    engine.precision = options.rollout.precision;
    if (engine.precision == Precision::kExact) {
      engine.cache_type = CacheType::kF32;  // keys and values in f16 are what the trainer would differ by most
    }
    return engine;
  }

  std::string in_directory(const std::string& name) const {
    return (std::filesystem::path(options_.directory) / name).string();
  }
  bool checkpointed() const { return std::filesystem::exists(in_directory("checkpoint")); }
  std::string refreshed_path(std::size_t step) const {
    return in_directory("reward-model-" + std::to_string(step) + ".gguf");
  }

  void resume() {
    if (!checkpointed()) {
      return;
    }
    run_.resume(in_directory("checkpoint"), fingerprint_);
    if (options_.refresh_every > 0 && run_.steps_done() >= options_.refresh_every) {
      models_.refresh(refreshed_path(run_.steps_done() - run_.steps_done() % options_.refresh_every));
    }
  }

  // The next step, with the accuracy of the policy that it begins with where that is due, and of the last one's result.
  RlStep advance(RlOutcome& outcome) {
    std::optional<double> before;
    if (!held_out_.problems.empty() && run_.steps_done() % options_.held_out_every == 0) {
      before = run_.accuracy(held_out_, options_.held_out_samples);
    }
    RlStep step = run_.advance(models_.frozen());
    if (before) {
      step.metrics.emplace_back("held_out_accuracy", *before);
    }
    if (!held_out_.problems.empty() && run_.steps_done() == options_.steps) {
      outcome.held_out_accuracy = run_.accuracy(held_out_, options_.held_out_samples);
      step.metrics.emplace_back("held_out_accuracy_after", *outcome.held_out_accuracy);
    }
    return step;
  }

  // What a run needs to go on from here: a reward model that was refreshed lies there before the checkpoint does.
  void keep() {
    const std::size_t step = run_.steps_done();
    const bool refresh = options_.refresh_every > 0 && step % options_.refresh_every == 0;
    if (refresh) {
      export_model(refreshed_path(step), file_, loaded_.decoder, TensorType::kF32);
      models_.refresh(refreshed_path(step));
    }
    if (refresh || step == options_.steps || step % options_.checkpoint_every == 0) {
      run_.save(in_directory("checkpoint"), fingerprint_);
    }
    if (refresh && step > options_.refresh_every) {
      std::error_code ignored;
      std::filesystem::remove(refreshed_path(step - options_.refresh_every), ignored);
    }
  }

  std::string write_result() const {
    std::string path = in_directory(options_.lora_rank > 0 ? "adapter.gguf" : "model.gguf");
    if (options_.lora_rank > 0) {
      export_adapter(path, file_, loaded_.decoder);
      export_peft_adapter(in_directory("adapter"), file_, loaded_.decoder);
    } else {
      export_model(path, file_, loaded_.decoder, export_type(options_.export_type));
    }
    return path;
  }

  const RlOptions& options_;
  Models models_;
  WeightFile file_;
  RlProblems data_;
  RlProblems held_out_;
  LoadedDecoder loaded_;
  PolicySampler sampler_;
  RlRun run_;
  std::string manifest_;
  std::string fingerprint_;
};

}  // namespace

RlOutcome run_rl(const RlOptions& options, const LlamaEngineOptions& engine,
                 const std::function<void(const RlProgress&)>& report) {
  make_run_directory(options.directory);
  LlamaEngineOptions own = engine;
  // The type of products that was measured to be fastest stays the same when the run goes on.
  own.choice_cache_directory = (std::filesystem::path(options.directory) / "products").string();
  return Session(options, own).run(report);
}

}  // namespace endorm
