#pragma once

#include "core/errors.h"

namespace endorm {

inline constexpr int kExitDone = 0;
inline constexpr int kExitWorld = 1;       // EngineError
inline constexpr int kExitInput = 2;       // InvalidInput, bad arguments
inline constexpr int kExitRowsFailed = 3;  // finished, but some records could not be scored
inline constexpr int kExitDefect = 70;     // InternalError

// The run is finished and its output complete; some rows are error rows.
class RowsFailed : public Error {
 public:
  using Error::Error;
};

}  // namespace endorm
