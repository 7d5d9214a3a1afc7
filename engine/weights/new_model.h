#pragma once

#include "engine/weights/weight_writer.h"

struct gguf_context;

namespace endorm {

// Throws InvalidInput where a size is 0 or too large or the sizes do not fit each other, and where the architecture is
// not one of NewModel's.
void check_new_model(const NewModel& model);

// The metadata of a decoder from nothing: architecture, vocabulary, chat template. Throws as check_new_model does.
void set_new_model_metadata(gguf_context* header, const NewModel& model);

}  // namespace endorm
