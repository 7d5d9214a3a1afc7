#include "judge/reply_parsers.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/trimmed.h"

namespace endorm {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kAroundALetter = " \t\r\"'`*()[].";
constexpr std::array<std::pair<std::string_view, PairVerdict>, 5> kFive = {{
    {"[[A>>B]]", PairVerdict::kMuchBetter},
    {"[[A>B]]", PairVerdict::kBetter},
    {"[[A=B]]", PairVerdict::kEqual},
    {"[[B>A]]", PairVerdict::kWorse},
    {"[[B>>A]]", PairVerdict::kMuchWorse},
}};

std::string_view behind_reasoning(std::string_view reply) {
  constexpr std::string_view kBegin = "<think>";
  constexpr std::string_view kEnd = "</think>";
  const std::size_t end = reply.rfind(kEnd);
  if (end != std::string_view::npos) {
    return reply.substr(end + kEnd.size());
  }
  return trimmed(reply).starts_with(kBegin) ? std::string_view() : reply;
}

bool is_minus_sign(std::string_view before) {
  if (!before.ends_with('-')) {
    return false;
  }
  before.remove_suffix(1);
  return before.empty() || std::string_view(" \t\n:=(").find(before.back()) != std::string_view::npos;
}

// Keeps a verdict, or finds that it contradicts the one before.
class Agreement {
 public:
  void add(PairVerdict verdict) {
    contradicted_ = contradicted_ || (verdict_ && *verdict_ != verdict);
    verdict_ = verdict;
  }
  std::optional<PairVerdict> verdict() const { return contradicted_ ? std::nullopt : verdict_; }

 private:
  std::optional<PairVerdict> verdict_;
  bool contradicted_ = false;
};

}  // namespace

std::optional<int> parse_rating(std::string_view reply) {
  reply = behind_reasoning(reply);
  const std::size_t at = reply.find_first_of(kDigits);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  if (is_minus_sign(reply.substr(0, at))) {
    return 1;
  }
  int rating = 0;
  for (const char digit : reply.substr(at, reply.find_first_not_of(kDigits, at) - at)) {
    rating = std::min(10 * rating + (digit - '0'), 10);
  }
  return std::max(rating, 1);
}

std::optional<PairVerdict> parse_letter(std::string_view reply) {
  reply = behind_reasoning(reply);
  Agreement found;
  while (!reply.empty()) {
    const std::size_t end = std::min(reply.find('\n'), reply.size());
    const std::string_view line = trimmed(reply.substr(0, end), kAroundALetter);
    reply.remove_prefix(std::min(end + 1, reply.size()));
    if (line == "A" || line == "B") {
      found.add(line == "A" ? PairVerdict::kBetter : PairVerdict::kWorse);
    }
  }
  return found.verdict();
}

std::optional<PairVerdict> parse_five(std::string_view reply) {
  reply = behind_reasoning(reply);
  Agreement found;
  for (const auto& [marker, verdict] : kFive) {
    if (reply.find(marker) != std::string_view::npos) {
      found.add(verdict);
    }
  }
  return found.verdict();
}

}  // namespace endorm
