#pragma once

#include <string>

#include "score/score_options.h"

namespace endorm {

// What of a template's options changes the prompt of a question: its arguments and the date, where they are given.
std::string template_fingerprint(const TemplateOptions& text);

// Every option that changes a number read from tokens, in one line: part of Judge::fingerprint.
std::string score_fingerprint(const ScoreOptions& options);

}  // namespace endorm
