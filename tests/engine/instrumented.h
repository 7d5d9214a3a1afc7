#pragma once

namespace endorm {

// Builds with sanitizers are some thirty times as slow: tests of every template look at a part of them there.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kInstrumented = true;
#else
inline constexpr bool kInstrumented = false;
#endif

}  // namespace endorm
