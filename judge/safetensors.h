#pragma once

#include <istream>
#include <string>

#include "engine/weights/gguf_file.h"

namespace endorm {

// The tensors of a safetensors file that `wanted` chooses: eight bytes with the length of a JSON header, the header
// {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__"?}, the data. Nothing beyond the stream's
// end is believed. name is what messages call the stream. Throws InvalidInput where the stream is of another form or
// ends too early, and where a chosen tensor is not F32, F16 or BF16.
FileTensors read_safetensors(std::istream& file, const std::string& name, const TensorChoice& wanted);

}  // namespace endorm
