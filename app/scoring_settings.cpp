#include "app/scoring_settings.h"

namespace endorm {
TemplateOptions template_options(const ScoringSettings& settings) {
  TemplateOptions options;
  options.end_of_turn = !settings.no_end_of_turn;
  options.template_newline = settings.template_newline;
  options.reading = reading_from_name(settings.response_is);
  options.arguments = template_arguments_from(settings.template_arguments, "--template-kwargs");
  options.date = settings.template_date;
  check_template_date(options.date);
  return options;
}

ScoreOptions score_options(const ScoringSettings& settings) {
  ScoreOptions options;
  options.aggregate = settings.aggregate;
  options.aggregate.kind = aggregation_from_name(settings.aggregation);
  options.alpha = settings.alpha;
  options.text = template_options(settings);
  options.turns = scored_turns_from_name(settings.score_turns);
  options.overflow = overflow_from_name(settings.on_overflow);
  options.find_steps = settings.steps || reads_steps(options.aggregate.kind);
  options.step_separator = settings.step_separator;
  options.share_prefixes = !settings.no_sharing;
  check_score_options(options);
  return options;
}

}  // namespace endorm
