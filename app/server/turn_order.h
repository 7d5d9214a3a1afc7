#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>
#include <vector>

namespace endorm {

// Requests of the first class go before those of the second, which still have a slice in eight.
enum class Priority { kHigh, kLow };

inline constexpr std::size_t kBlockTokens = 64;
inline constexpr std::size_t kSideBySide = 16;  // parts that are drawn in the same passes

// What a part of a request costs, in tokens. Parts are not cut further: one response, or a piece of a completion.
struct PartCost {
  std::uint64_t prompt = 0;       // tells its prompt from others; 0: it has none that could be shared
  std::size_t prompt_tokens = 0;  // computed once for all parts behind it
  std::size_t tokens = 0;         // behind the prompt
  std::size_t drawn = 0;          // to be drawn behind these, one after the other
  std::size_t responses = 1;      // that begin with it
  // Of each kBlockTokens of `tokens`, from the first on: what a slice has already is computed once.
  std::vector<std::uint64_t> blocks = {};
  std::uint64_t drawn_with = 0;  // what has the same is drawn side by side; 0: alone
};

// A request as it waits: what of it is not taken yet.
struct WaitingRequest {
  virtual ~WaitingRequest() = default;

  bool left() const { return next < parts.size(); }
  bool over(std::chrono::steady_clock::time_point now) const { return *given_up || now >= deadline; }

  std::vector<PartCost> parts;
  std::size_t next = 0;  // the first that is not taken
  Priority priority = Priority::kHigh;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::shared_ptr<std::atomic<bool>> given_up = std::make_shared<std::atomic<bool>>(false);
  std::int64_t credit = 0;  // tokens that it may have before others have their turn
};

// What is computed before anything else is looked at: parts [begin, end) of a request.
struct SlicePart {
  std::shared_ptr<WaitingRequest> request;
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct SliceLimits {
  std::size_t tokens = 1024;  // a part that is longer is a slice of its own
  std::size_t responses = 256;
  std::size_t kept_tokens = 0;  // of prompts that the engine keeps: one that is kept costs nothing
};

// What waits, together.
struct WaitingCounts {
  std::size_t responses = 0;
  std::size_t tokens = 0;  // prompts once a request, responses, and what is to be drawn
};

// The prompts that were used last and that an engine keeps.
class LatestPrompts {
 public:
  explicit LatestPrompts(std::size_t tokens) : most_tokens_(tokens) {}
  bool hold(std::uint64_t prompt) const;
  bool can_hold(std::size_t tokens) const { return tokens <= most_tokens_; }
  void use(std::uint64_t prompt, std::size_t tokens);

 private:
  std::list<std::pair<std::uint64_t, std::size_t>> prompts_;  // the latest first
  std::size_t most_tokens_;
  std::size_t tokens_ = 0;
};

// In which order requests get the model, and how much of each at once. Every request that comes is begun before those
// that were begun go on; these take turns of a slice's tokens (deficit round robin), and have one slice in four at
// least. What has the prompt of a part that is taken goes with it, whoever asked. Not thread-safe.
class TurnOrder {
 public:
  explicit TurnOrder(SliceLimits limits);

  void add(std::shared_ptr<WaitingRequest> request);
  // Takes out the requests that are over (given up, or past their deadline).
  std::vector<std::shared_ptr<WaitingRequest>> drop(std::chrono::steady_clock::time_point now);
  // The next slice: empty only where nothing waits.
  std::vector<SlicePart> take();

  bool empty() const;
  WaitingCounts waiting() const { return waiting_; }
  // What a request adds to these.
  static WaitingCounts counts_of(const WaitingRequest& request);

 private:
  struct Line {
    std::list<std::shared_ptr<WaitingRequest>> requests;
    std::size_t patience = 0;     // slices without the first of it, after which it goes before all lines
    std::size_t passed_over = 0;  // slices without it so far
    bool served = false;          // in this slice
  };
  struct Slice;

  void fill_from(std::size_t line, Slice& slice);
  void take_turn(const std::shared_ptr<WaitingRequest>& request, Slice& slice);
  void take_with_prompt(std::uint64_t prompt, Slice& slice);
  void take_part(const std::shared_ptr<WaitingRequest>& request, Slice& slice);
  // Tokens that a part adds to a slice.
  std::size_t read_cost(const PartCost& part, const Slice& slice) const;
  static std::size_t drawn_cost(const PartCost& part, const Slice& slice);
  // Whether it is drawn in passes that the slice has.
  static bool goes_beside(const PartCost& part, const Slice& slice);
  bool fits(const WaitingRequest& request, const Slice& slice) const;

  SliceLimits limits_;
  std::array<Line, 4> lines_;  // of each class those that have come and those that were begun
  LatestPrompts kept_;
  WaitingCounts waiting_;
};

}  // namespace endorm
