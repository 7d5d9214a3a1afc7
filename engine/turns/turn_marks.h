#pragma once

#include "engine/text_form.h"

namespace endorm {

class PromptForm;

// The marks that a form writes under these options, as text.
TurnMarks turn_marks(const PromptForm& form, const TemplateOptions& options);

}  // namespace endorm
