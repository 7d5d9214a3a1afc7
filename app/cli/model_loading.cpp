#include "app/cli/model_loading.h"

#include <memory>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/version.h"
#include "engine/llama/llama_engine.h"
#include "engine/machine_share.h"
#include "engine/text_form.h"

namespace endorm {
namespace {

TurnMarks turn_marks_of(const Engine& engine, const TemplateOptions& text, const std::string& opening) {
  if (const TextForm* form = engine.text_form()) {
    return form->turn_marks(text, opening);
  }
  TurnMarks marks;
  marks.opening = opening;
  return marks;
}

// "NAME: FILE (llama 135M Q4_1), template model, ...": what it is, and what its numbers and its speed depend on.
std::string summary_of(const Engine& engine, const std::string& name, const EngineSettings& settings,
                       const ServingSettings& all) {
  const ModelInfo model = engine.model();
  const auto* here = dynamic_cast<const LlamaEngine*>(&engine);
  std::ostringstream line;
  line << name << ": " << model.file;
  if (here) {
    line << " (" << here->model_info().description << ")";
  }
  for (const std::string& adapter : settings.adapters) {
    line << ", lora " << adapter;
  }
  line << ", template " << settings.prompt_template;
  for (const char* told : {"aggregation", "alpha"}) {
    const nlohmann::ordered_json value = find_option(reward_options(), told)->get(all.scoring);
    line << ", " << told << " " << (value.is_string() ? value.get<std::string>() : value.dump());
  }
  if (!model.arithmetic.empty()) {
    line << ", precision " << model.arithmetic;
  }
  if (here) {
    line << ", threads " << (settings.here.threads > 0 ? settings.here.threads : usable_processors());
  }
  line << ", context " << engine.capabilities().context << ", slice-tokens " << all.queue.slice_tokens << ", version "
       << kVersion;
  return line.str();
}

}  // namespace

ServedModel load_served_model(const ServingSettings& settings, const ModelOrder& order) {
  EngineSettings engine_settings = settings.engine;
  engine_settings.model = order.path;
  engine_settings.adapters = order.adapters.value_or(settings.engine.adapters);
  engine_settings.here.kept_prefix_tokens = settings.kept_tokens;
  std::unique_ptr<Engine> engine = make_engine(engine_settings);
  ServedModel served;
  served.name = order.model;
  served.description = engine->model().name;
  served.summary = summary_of(*engine, order.model, engine_settings, settings);
  ProtocolContext& context = served.context;
  context.model = order.model;
  context.options = score_options(settings.scoring);
  context.marks =
      std::make_shared<const TurnMarks>(turn_marks_of(*engine, context.options.text, settings.turn_opening));
  context.cut = turn_cut_from_name(settings.turn_cut);
  context.unscored = settings.unscored;
  context.longest = engine->capabilities().context;
  context.version = kVersion;
  StatsCache trial(std::nullopt);
  const EndogenousScorer tried(*engine, trial, context.options);  // refuses what this engine cannot give
  served.queue = std::make_unique<RewardQueue>(std::move(engine), settings.queue);
  return served;
}

}  // namespace endorm
