#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "app/server/turn_cut.h"
#include "app/server/turn_order.h"
#include "core/errors.h"
#include "score/endogenous_scorer.h"
#include "score/record.h"
#include "score/scored.h"

namespace endorm {

using Json = nlohmann::ordered_json;

// What protocols need to know of the server.
struct ProtocolContext {
  std::string model;                                                             // the name that replies carry
  std::shared_ptr<const TurnMarks> marks = std::make_shared<const TurnMarks>();  // what tells turns apart in texts
  TurnCut cut = TurnCut::kTurn;                                                  // where a request says nothing else
  ScoreOptions options;                                                          // likewise
  // The number of a row of a batch that has no reward; none: null, or what its client reads in a number's place.
  std::optional<double> unscored;
  std::size_t longest = 0;  // sequence that the model takes, in tokens; 0: not known
  std::string version;
  std::string id;                                        // of this request, which replies carry
  std::int64_t created = 0;                              // seconds since 1970
  std::function<void(TextNote)> note = [](TextNote) {};  // takes what is worth telling of a text of the request
  // Takes the name of a field that nothing reads.
  std::function<void(const std::string& field)> unread = [](const std::string&) {};
};

// What a body asks for, and how what comes of it is told.
struct Asked {
  std::vector<Request> requests;  // scored together; none: the reply depends on the body alone
  ScoreOptions options;
  // The reply's body. Throws InvalidInput, naming the place, where a response that the protocol must give a number
  // could not be scored, and where none of a batch could.
  std::function<Json(std::span<const Scored>)> reply;
  // Where set, the reply is a stream of lines, one a request as it is scored, in their order.
  std::function<std::string(std::size_t request, const Scored&)> line;
  bool nan_as_number = false;  // the client reads NaN in a list of numbers, where JSON has null
  bool has_session = false;    // the client waits for a cookie that names it
};
// The reply's body, as text.
std::string reply_text(const Asked& asked, std::span<const Scored> scored);

// Reads a body of one protocol. Throws InvalidInput, naming the field, on a body that is not of it.
using Protocol = Asked (*)(const Json& body, const ProtocolContext& context);

// One of what reward clients speak; schemas.json says what its bodies are.
struct ProtocolRoute {
  const char* path;
  Protocol read;
};
// Every route, each path once.
std::span<const ProtocolRoute> protocol_routes();

// A field that must be there. Throws InvalidInput naming it and what stands in its place.
const Json& field(const Json& body, const char* name);
const std::string& text_field(const Json& body, const char* name);
// What messages call an element of a list: "inputs[3]".
std::string element(const std::string& list, std::size_t index);
// A text or a list of texts, as a list. Throws InvalidInput on anything else, and on an empty list.
std::vector<std::string> texts_field(const Json& body, const char* name);
// What it says, or `otherwise` where it is absent or null. Throws InvalidInput on anything but true and false.
bool flag_field(const Json& body, const char* name, bool otherwise);
// How urgent a request is: "priority" of its body, "high", "low" or vLLM's number (low above 0), else what its header
// says (empty: nothing). Throws InvalidInput on anything else.
Priority read_priority(const Json& body, const std::string& header);
// None where it is absent or null.
const Json* optional_field(const Json& body, const char* name);

// A request of one response. raw: both are in the model's own form already.
Request pair_request(std::string prompt, std::string response, bool raw);
// The same of text in the model's own form. Throws InvalidInput where the prompt, called `name`, is in another's.
Request raw_request(std::string prompt, std::string response, const ProtocolContext& context, const std::string& name);
// One record, with "tools" and "chat_template_kwargs" of the body where it has them. Throws InvalidInput.
Request record_request(Json record, const Json& body);
// The context with the cut that "turn_cut" of a body says. Throws InvalidInput.
ProtocolContext with_turn_cut(const ProtocolContext& context, const Json& body);
// A whole conversation in the model's own form, cut as the context says. Throws InvalidInput where it holds
// no turn of the model.
Request templated_request(const std::string& text, const ProtocolContext& context, const std::string& name);
// The same of token ids, which letters cannot spell.
Request templated_request(const Tokens& ids, const ProtocolContext& context, const std::string& name);

// Tells of responses that end as another family's model ends a turn.
void note_foreign_ends(std::span<const Request> requests, const ProtocolContext& context);
// Tells of responses that spell the end of their turn. In text that is in the model's own form all that are finished
// do: it is told of the others.
void note_spelled_ends(std::span<const Scored> scored, const ProtocolContext& context);

// The reward of the only response of a request. Throws InvalidInput with its place where there is none.
double only_reward(const Scored& scored, std::size_t place);

// A row of a batch: its reward, or why it has none.
struct RowReward {
  std::optional<double> number;  // ProtocolContext::unscored where it has no reward; none where that says nothing
  std::string error;             // empty: it has one
};
// Of the only response of each request. Tells of rows without a reward. Throws InvalidInput, with the place and the
// reason, where no row has one and no number stands for it: the request is then at fault, not a row.
std::vector<RowReward> row_rewards(std::span<const Scored> scored, const ProtocolContext& context);
// The same, whatever the rows have.
std::vector<RowReward> all_row_rewards(std::span<const Scored> scored, const ProtocolContext& context);
// Its number, or null.
Json number_or_null(const RowReward& row);
// Adds "error" to the entry of a row that has no reward.
void tell_error(const RowReward& row, Json& entry);

// A request whose only response is refused for this reason, whatever its neighbours are.
Request refused_request(std::string reason);
// What `read` makes of one row of a batch. What it throws InvalidInput for is the row's own fault.
template <typename Read>
Request row_request(const Read& read) {
  try {
    return read();
  } catch (const InvalidInput& error) {
    return refused_request(error.what());
  }
}

// Tokens of all prompts and responses cannot be told apart here: those of the responses, for "usage".
Json usage(std::span<const Scored> scored);

}  // namespace endorm
