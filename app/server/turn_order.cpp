#include "app/server/turn_order.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

namespace endorm {
namespace {

constexpr std::size_t kKeptPrompts = 64;  // an engine keeps no more
// A token that is drawn takes a pass, which reads all weights: about as long as so many that are read together. In the
// passes of a longer one it counts once.
constexpr std::size_t kDrawnWeight = 64;
// Behind a prompt that will not be kept a slice goes on for so many of its lengths, or each slice would compute it.
constexpr std::size_t kBehindLostPrompt = 4;
// Slices that a line waits at most before it goes first.
constexpr std::size_t kPatienceOfBegun = 3;
constexpr std::size_t kPatienceOfLow = 7;
constexpr std::size_t kNoPatience = static_cast<std::size_t>(-1);

// Of one part, counted once a request where the part before has the same prompt.
std::size_t tokens_of(const WaitingRequest& request, std::size_t part) {
  const PartCost& cost = request.parts[part];
  const bool same = cost.prompt != 0 && part > 0 && request.parts[part - 1].prompt == cost.prompt;
  return cost.tokens + cost.drawn + (same ? 0 : cost.prompt_tokens);
}

std::size_t line_of(const WaitingRequest& request, bool begun) {
  return (request.priority == Priority::kHigh ? 0U : 2U) + (begun ? 1U : 0U);
}

}  // namespace

bool LatestPrompts::hold(std::uint64_t prompt) const {
  return std::any_of(prompts_.begin(), prompts_.end(), [&](const auto& held) { return held.first == prompt; });
}

void LatestPrompts::use(std::uint64_t prompt, std::size_t tokens) {
  const auto held =
      std::find_if(prompts_.begin(), prompts_.end(), [&](const auto& each) { return each.first == prompt; });
  if (held != prompts_.end()) {
    prompts_.splice(prompts_.begin(), prompts_, held);
    return;
  }
  if (!can_hold(tokens)) {
    return;
  }
  prompts_.emplace_front(prompt, tokens);
  tokens_ += tokens;
  while (tokens_ > most_tokens_ || prompts_.size() > kKeptPrompts) {
    tokens_ -= prompts_.back().second;
    prompts_.pop_back();
  }
}

struct TurnOrder::Slice {
  std::vector<SlicePart> parts;
  std::size_t most_tokens = 0;  // with parts whose prompts it has
  std::size_t tokens = 0;       // to be computed
  std::size_t responses = 0;
  std::set<std::uint64_t> prompts;
  std::set<std::uint64_t> blocks;
  struct Passes {
    std::size_t longest = 0;
    std::size_t parts = 0;  // that are drawn in them, at most kSideBySide
  };
  std::map<std::uint64_t, Passes> passes;  // the latest, by PartCost::drawn_with
  std::size_t drawn = 0;                   // of the tokens, what is drawn
};

TurnOrder::TurnOrder(SliceLimits limits) : limits_(limits), kept_(limits.kept_tokens) {
  lines_[0].patience = kNoPatience;
  lines_[1].patience = kPatienceOfBegun;
  lines_[2].patience = kPatienceOfLow;
  lines_[3].patience = kPatienceOfLow;
}

WaitingCounts TurnOrder::counts_of(const WaitingRequest& request) {
  WaitingCounts counts;
  for (std::size_t part = request.next; part < request.parts.size(); ++part) {
    counts.responses += request.parts[part].responses;
    counts.tokens += tokens_of(request, part);
  }
  return counts;
}

bool TurnOrder::empty() const {
  return std::all_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.requests.empty(); });
}

void TurnOrder::add(std::shared_ptr<WaitingRequest> request) {
  const WaitingCounts counts = counts_of(*request);
  waiting_.responses += counts.responses;
  waiting_.tokens += counts.tokens;
  lines_[line_of(*request, /*begun=*/false)].requests.push_back(std::move(request));
}

std::vector<std::shared_ptr<WaitingRequest>> TurnOrder::drop(std::chrono::steady_clock::time_point now) {
  std::vector<std::shared_ptr<WaitingRequest>> dropped;
  for (Line& line : lines_) {
    for (auto request = line.requests.begin(); request != line.requests.end();) {
      if (!(*request)->over(now)) {
        ++request;
        continue;
      }
      const WaitingCounts counts = counts_of(**request);
      waiting_.responses -= counts.responses;
      waiting_.tokens -= counts.tokens;
      dropped.push_back(std::move(*request));
      request = line.requests.erase(request);
    }
  }
  return dropped;
}

std::vector<SlicePart> TurnOrder::take() {
  std::array<std::size_t, 4> order{};
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_partition(order.begin(), order.end(),
                        [&](std::size_t line) { return lines_[line].passed_over >= lines_[line].patience; });
  Slice slice;
  slice.most_tokens = limits_.tokens;
  for (Line& line : lines_) {
    line.served = line.requests.empty();
  }
  for (const std::size_t line : order) {
    fill_from(line, slice);
  }
  for (Line& line : lines_) {
    line.passed_over = line.served ? 0 : line.passed_over + 1;
  }
  return std::move(slice.parts);
}

void TurnOrder::fill_from(std::size_t place, Slice& slice) {
  Line& line = lines_[place];
  const auto turn = static_cast<std::int64_t>(limits_.tokens);
  while (!line.requests.empty()) {
    const std::shared_ptr<WaitingRequest> request = line.requests.front();
    request->credit += request->credit <= 0 ? turn : 0;
    if (request->credit <= 0 && line.requests.size() > 1) {  // it had more than its turn
      line.requests.splice(line.requests.end(), line.requests, line.requests.begin());
      continue;
    }
    if (!fits(*request, slice)) {
      return;
    }
    line.served = true;
    line.requests.pop_front();
    take_turn(request, slice);
    if (!request->left()) {
      continue;
    }
    Line& begun = lines_[line_of(*request, /*begun=*/true)];
    const bool goes_on = request->credit > 0 && &begun == &line;
    begun.requests.insert(goes_on ? begun.requests.begin() : begun.requests.end(), request);
  }
}

void TurnOrder::take_turn(const std::shared_ptr<WaitingRequest>& request, Slice& slice) {
  std::set<std::uint64_t> prompts;
  do {
    prompts.insert(request->parts[request->next].prompt);
    take_part(request, slice);
  } while (request->left() && (request->credit > 0 || goes_beside(request->parts[request->next], slice)) &&
           fits(*request, slice));
  prompts.erase(0);
  for (const std::uint64_t prompt : prompts) {
    take_with_prompt(prompt, slice);
  }
}

// What others have behind a prompt of this slice; they pay for it from their turns.
void TurnOrder::take_with_prompt(std::uint64_t prompt, Slice& slice) {
  for (Line& line : lines_) {
    for (auto next = line.requests.begin(); next != line.requests.end();) {
      const std::shared_ptr<WaitingRequest> request = *next;
      while (request->left() && request->parts[request->next].prompt == prompt && fits(*request, slice)) {
        take_part(request, slice);
      }
      next = request->left() ? std::next(next) : line.requests.erase(next);
    }
  }
}

void TurnOrder::take_part(const std::shared_ptr<WaitingRequest>& request, Slice& slice) {
  const std::size_t place = request->next;
  const PartCost& part = request->parts[place];
  const std::size_t drawn = drawn_cost(part, slice);
  const std::size_t tokens = read_cost(part, slice) + drawn;
  slice.tokens += tokens;
  slice.drawn += drawn;
  slice.responses += part.responses;
  request->credit -= static_cast<std::int64_t>(tokens);
  slice.blocks.insert(part.blocks.begin(), part.blocks.end());
  if (part.drawn_with != 0) {
    Slice::Passes& passes = slice.passes[part.drawn_with];
    passes = passes.parts == kSideBySide ? Slice::Passes() : passes;
    passes.longest = std::max(passes.longest, part.drawn);
    ++passes.parts;
  }
  if (part.prompt != 0) {
    slice.prompts.insert(part.prompt);
    kept_.use(part.prompt, part.prompt_tokens);
    const std::size_t behind = kBehindLostPrompt * part.prompt_tokens;
    if (!kept_.can_hold(part.prompt_tokens) && behind > slice.most_tokens) {
      request->credit += static_cast<std::int64_t>(behind - slice.most_tokens);
      slice.most_tokens = behind;
    }
  }
  waiting_.responses -= part.responses;
  waiting_.tokens -= tokens_of(*request, place);
  ++request->next;
  if (!slice.parts.empty() && slice.parts.back().request == request) {
    slice.parts.back().end = request->next;
  } else {
    slice.parts.push_back({request, place, request->next});
  }
}

std::size_t TurnOrder::read_cost(const PartCost& part, const Slice& slice) const {
  const bool known = part.prompt != 0 && (slice.prompts.contains(part.prompt) || kept_.hold(part.prompt));
  const auto own = std::find_if(part.blocks.begin(), part.blocks.end(),
                                [&](std::uint64_t block) { return !slice.blocks.contains(block); });
  const std::size_t shared = static_cast<std::size_t>(own - part.blocks.begin()) * kBlockTokens;
  return part.tokens - shared + (known ? 0 : part.prompt_tokens);
}

std::size_t TurnOrder::drawn_cost(const PartCost& part, const Slice& slice) {
  const std::size_t beside =
      goes_beside(part, slice) ? std::min(slice.passes.at(part.drawn_with).longest, part.drawn) : 0;
  return beside + kDrawnWeight * (part.drawn - beside);
}

bool TurnOrder::goes_beside(const PartCost& part, const Slice& slice) {
  const auto passes = slice.passes.find(part.drawn_with);
  return passes != slice.passes.end() && passes->second.parts < kSideBySide;
}

// What is drawn beside others is taken with those though they fill the slice, and paid for from later turns: apart from
// them it would take passes of its own.
bool TurnOrder::fits(const WaitingRequest& request, const Slice& slice) const {
  const PartCost& part = request.parts[request.next];
  const std::size_t most = slice.prompts.contains(part.prompt) ? slice.most_tokens : limits_.tokens;
  const std::size_t read = read_cost(part, slice);
  const std::size_t tokens =
      goes_beside(part, slice) ? slice.tokens - slice.drawn + read : slice.tokens + read + drawn_cost(part, slice);
  return slice.parts.empty() || (tokens <= most && slice.responses + part.responses <= limits_.responses);
}

}  // namespace endorm
