#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "app/server/text_notes.h"
#include "engine/text_form.h"

namespace endorm {

// Where the response begins in a text that holds a whole conversation. Whoever writes the response can spell the marks
// that a template writes, so that text alone never proves it.
enum class TurnCut {
  kTurn,    // behind the first opening that no turn of a user or tool follows: all that the model wrote since then
  kFirst,   // behind the first opening: what a conversation of one turn is, whatever the response spells
  kLast,    // behind the last opening, whoever wrote it
  kStrict,  // as kTurn; refused where another opening stands behind that one
};

// Of "turn", "first", "last", "strict". Throws InvalidInput, listing the names.
TurnCut turn_cut_from_name(std::string_view name);

struct FoundCut {
  std::size_t begin = 0;  // of the response
  std::optional<TextNote> note;
};

// None where there is no opening, or that of the marks is not known. Throws InvalidInput where kStrict refuses.
std::optional<FoundCut> find_cut(std::string_view text, const TurnMarks& marks, TurnCut cut);
std::optional<FoundCut> find_cut(std::span<const Token> ids, const TurnMarks& marks, TurnCut cut);

// Where the text of a response begins behind as many openings as its prompt has; none where it has fewer, or the prompt
// none.
std::optional<std::size_t> find_same_opening(std::string_view text, std::string_view prompt, const TurnMarks& marks);

// The bytes at the beginning of a text that a decoder put there: special tokens and white space, as far as `prompt`
// stands behind them; none where it does not.
std::optional<std::size_t> bytes_before_prompt(std::string_view text, std::string_view prompt, const TurnMarks& marks);
// The bytes of the paddings (and ends of turns) that a text begins with.
std::size_t padding_bytes(std::string_view text, const TurnMarks& marks);

}  // namespace endorm
