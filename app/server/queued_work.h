#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "engine/generator.h"

namespace endorm {

// What a part of work reads: statistics of continuations of a prefix.
struct PartReads {
  Tokens prefix;                      // [P >= 1]
  std::vector<Tokens> continuations;  // none: nothing is read
  double temperature = 1.0;           // of the softmax
  std::size_t likeliest = 0;          // EvaluateOptions::likeliest
};

// What it draws after that.
struct PartDraw {
  GenerationRequest request;
  SamplingOptions sampling;
};

// Work of another kind than rewards, in parts.
class QueuedWork {
 public:
  virtual ~QueuedWork() = default;

  virtual PartReads reads(std::size_t part) const = 0;
  // stats [continuations][T] of what it reads.
  virtual void take_read(const Engine& engine, std::size_t part, std::vector<std::vector<TokenStats>> stats) = 0;
  // None: nothing, or nothing more.
  virtual std::optional<PartDraw> draws(std::size_t part) const = 0;
  virtual void take_drawn(const Engine& engine, std::size_t part, Completion completion) = 0;
  // Which of its completions the part goes on with: parts of different ones may be drawn side by side.
  virtual std::size_t completion(std::size_t part) const = 0;
};

// Parts [begin, end) of some work, and what became of them.
struct WorkParts {
  QueuedWork* work = nullptr;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::function<void()> check = [] {};  // throws what ends the work where nobody waits for it any more
  std::exception_ptr failure = nullptr;
};

// Does all of these parts: what they read is computed together, so that what sequences share is computed once, and what
// they draw side by side, whoever asked. One that fails costs the others nothing. Returns how many tokens were to be
// read, duplicates included.
std::size_t do_together(Engine& engine, std::span<WorkParts> parts);

}  // namespace endorm
