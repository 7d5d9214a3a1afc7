#pragma once

#include <string>
#include <string_view>

#include "engine/text_form.h"

namespace endorm {

// Marks of chat templates that a model has neither among its tokens nor in its template: it would read them as letters.
// All empty where there is none, and where the model's tokens are not known. What people write about such marks in the
// middle of a text is no concern of these.

// The mark with which a prompt ends, as another family's template leaves a prompt: "<|im_start|>assistant".
std::string_view foreign_opening(std::string_view prompt, const TurnMarks& marks);
// The mark with which a response ends, as another family's model ends its turn: "<|eot_id|>".
std::string_view foreign_end(std::string_view response, const TurnMarks& marks);
// Any of them, anywhere.
std::string_view foreign_mark(std::string_view text, const TurnMarks& marks);

// Throws InvalidInput where a prompt in the model's own form is in another's; name: of its place in the body.
void refuse_other_family(std::string_view prompt, const TurnMarks& marks, const std::string& name);

}  // namespace endorm
