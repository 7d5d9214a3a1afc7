#pragma once

#include <optional>
#include <string_view>

namespace endorm {

// What a judge's model replied, read. Nothing is guessed: where a reply is not of the form that was asked for, there is
// none. Reasoning that stands in the reply, up to "</think>", is not searched; one that begins with "<think>" and does
// not end it has no verdict.

// The first integer in the reply, clamped to 1..10. A minus sign belongs to it at the beginning of the reply and after
// white space, ":", "=" or "(": the first integer of "1-2" is 1.
std::optional<int> parse_rating(std::string_view reply);

// How much A is better than B.
enum class PairVerdict { kMuchWorse = -2, kWorse = -1, kEqual = 0, kBetter = 1, kMuchBetter = 2 };

// "A" or "B" alone on a line, quotes, brackets, asterisks and a full stop around it aside. Where several lines are
// such, all must say the same.
std::optional<PairVerdict> parse_letter(std::string_view reply);

// One of [[A>>B]], [[A>B]], [[A=B]], [[B>A]], [[B>>A]] anywhere in the reply. Where there are several, all must be the
// same.
std::optional<PairVerdict> parse_five(std::string_view reply);

}  // namespace endorm
