#include "app/server/turn_cut.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

// Where `mark` stands in a sequence, one behind the other.
template <typename Sequence>
std::vector<std::size_t> places_of(const Sequence& sequence, const Sequence& mark) {
  std::vector<std::size_t> places;
  for (auto at = sequence.begin(); !mark.empty();) {
    at = std::search(at, sequence.end(), mark.begin(), mark.end());
    if (at == sequence.end()) {
      break;
    }
    places.push_back(static_cast<std::size_t>(at - sequence.begin()));
    at += static_cast<std::ptrdiff_t>(mark.size());
  }
  return places;
}

template <typename Sequence>
bool holds(const Sequence& sequence, const Sequence& mark) {
  return !mark.empty() && std::search(sequence.begin(), sequence.end(), mark.begin(), mark.end()) != sequence.end();
}

template <typename Sequence>
std::optional<FoundCut> cut_at(const Sequence& sequence, const Sequence& opening, std::span<const Sequence> others,
                               TurnCut cut) {
  const std::vector<std::size_t> places = places_of(sequence, opening);
  if (places.empty()) {
    return std::nullopt;
  }
  // The first opening that no other's turn follows, as far as an opening follows that.
  std::size_t turn = places.size() - 1;
  for (; turn > 0; --turn) {
    const std::size_t end = places[turn - 1] + opening.size();
    const Sequence between = Sequence(sequence).subspan(end, places[turn] - end);
    if (std::any_of(others.begin(), others.end(), [&](const Sequence& other) { return holds(between, other); })) {
      break;
    }
  }
  FoundCut found;
  if (turn + 1 < places.size()) {
    found.note = TextNote::kSecondOpening;
  } else if (turn > 0) {
    found.note = TextNote::kSeveralTurns;
  }
  if (cut == TurnCut::kStrict && found.note == TextNote::kSecondOpening) {
    throw InvalidInput(
        "the model's turn opens again where no turn of a user precedes it, so that where the response begins is not "
        "known. Send the prompt apart, or choose the cut with \"turn_cut\": turn, first or last.");
  }
  const std::size_t chosen = cut == TurnCut::kFirst ? 0 : cut == TurnCut::kLast ? places.size() - 1 : turn;
  found.begin = places[chosen] + opening.size();
  return found;
}

}  // namespace

TurnCut turn_cut_from_name(std::string_view name) {
  constexpr std::pair<std::string_view, TurnCut> kCuts[] = {
      {"turn", TurnCut::kTurn}, {"first", TurnCut::kFirst}, {"last", TurnCut::kLast}, {"strict", TurnCut::kStrict}};
  for (const auto& [known, cut] : kCuts) {
    if (name == known) {
      return cut;
    }
  }
  throw InvalidInput("\"turn_cut\" is \"" + std::string(name) + "\", expected turn, first, last or strict.");
}

std::optional<FoundCut> find_cut(std::string_view text, const TurnMarks& marks, TurnCut cut) {
  using Text = std::span<const char>;
  const std::vector<Text> others(marks.others.begin(), marks.others.end());
  return cut_at<Text>(text, marks.opening, others, cut);
}

std::optional<FoundCut> find_cut(std::span<const Token> ids, const TurnMarks& marks, TurnCut cut) {
  const std::vector<std::span<const Token>> others(marks.other_ids.begin(), marks.other_ids.end());
  return cut_at<std::span<const Token>>(ids, marks.opening_ids, others, cut);
}

std::optional<std::size_t> find_same_opening(std::string_view text, std::string_view prompt, const TurnMarks& marks) {
  using Text = std::span<const char>;
  const std::size_t count = places_of<Text>(prompt, marks.opening).size();
  const std::vector<std::size_t> places = places_of<Text>(text, marks.opening);
  if (count == 0 || places.size() < count) {
    return std::nullopt;
  }
  return places[count - 1] + marks.opening.size();
}

std::optional<std::size_t> bytes_before_prompt(std::string_view text, std::string_view prompt, const TurnMarks& marks) {
  std::string_view last;  // a row of paddings is one token, again and again
  for (std::size_t at = 0; at + prompt.size() <= text.size();) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with(prompt)) {
      return at;
    }
    if (kBlank.find(rest.front()) != std::string_view::npos) {
      ++at;
      continue;
    }
    if (last.empty() || !rest.starts_with(last)) {
      last = {};
      for (const std::string& special : marks.specials) {
        last = special.size() > last.size() && rest.starts_with(special) ? special : last;
      }
    }
    if (last.empty()) {
      return std::nullopt;
    }
    at += last.size();
  }
  return std::nullopt;
}

std::size_t padding_bytes(std::string_view text, const TurnMarks& marks) {
  std::size_t at = 0;
  const auto begins_rest = [&](const std::string& filler) { return text.substr(at).starts_with(filler); };
  for (auto found = std::find_if(marks.fillers.begin(), marks.fillers.end(), begins_rest); found != marks.fillers.end();
       found = std::find_if(marks.fillers.begin(), marks.fillers.end(), begins_rest)) {
    at += found->size();
  }
  return at;
}

}  // namespace endorm
