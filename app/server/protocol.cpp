#include "app/server/protocol.h"

#include <algorithm>
#include <cmath>

#include "app/server/other_family.h"
#include "core/errors.h"
#include "core/utf8.h"
#include "score/json_field.h"

namespace endorm {
namespace {

// Where a whole text or list of tokens is cut; what is noticed is told.
template <typename Whole>
std::optional<FoundCut> cut_of(const Whole& whole, const ProtocolContext& context, const std::string& name) {
  try {
    const std::optional<FoundCut> found = find_cut(whole, *context.marks, context.cut);
    if (found && found->note) {
      context.note(*found->note);
    }
    return found;
  } catch (const InvalidInput& error) {
    context.note(TextNote::kSecondOpening);
    throw InvalidInput("\"" + name + "\": " + error.what());
  }
}

}  // namespace

std::string reply_text(const Asked& asked, std::span<const Scored> scored) {
  Json reply = asked.reply(scored);
  if (!asked.nan_as_number || !reply.is_object()) {
    return reply.dump();
  }
  std::string text = "{";
  for (const auto& [name, value] : reply.items()) {
    text += (text.size() > 1 ? "," : "") + Json(name).dump() + ":";
    if (!value.is_array()) {
      text += value.dump();
      continue;
    }
    text += "[";
    for (std::size_t i = 0; i < value.size(); ++i) {
      const bool nan = value[i].is_number_float() && std::isnan(value[i].get<double>());
      text += (i > 0 ? "," : "") + (nan ? std::string("NaN") : value[i].dump());
    }
    text += "]";
  }
  return text + "}";
}

const Json* optional_field(const Json& body, const char* name) {
  const auto found = body.find(name);
  return found == body.end() || found->is_null() ? nullptr : &*found;
}

const Json& field(const Json& body, const char* name) { return JsonField(body).at(name).value(); }

const std::string& text_field(const Json& body, const char* name) { return JsonField(body).at(name).text(); }

std::string element(const std::string& list, std::size_t index) { return list + "[" + std::to_string(index) + "]"; }

std::vector<std::string> texts_field(const Json& body, const char* name) {
  const JsonField found = JsonField(body).at(name);
  return found.is_text() ? std::vector<std::string>{found.text()}
                         : found.texts("a string or a list of strings that is not empty");
}

bool flag_field(const Json& body, const char* name, bool otherwise) {
  const std::optional<JsonField> found = JsonField(body).find(name);
  return found ? found->truth() : otherwise;
}

Priority read_priority(const Json& body, const std::string& header) {
  const Json* field = optional_field(body, "priority");
  const Json said = field ? *field : Json(header.empty() ? "high" : header);
  if (said.is_number_integer()) {
    return said > 0 ? Priority::kLow : Priority::kHigh;
  }
  if (said != "high" && said != "low") {
    throw InvalidInput(std::string(field ? "\"priority\"" : "the header X-Priority") + " is " +
                       excerpt(said.dump(-1, ' ', false, Json::error_handler_t::replace)) +
                       ", expected high or low, or a whole number: low above 0.");
  }
  return said == "low" ? Priority::kLow : Priority::kHigh;
}

ProtocolContext with_turn_cut(const ProtocolContext& context, const Json& body) {
  ProtocolContext chosen = context;
  if (optional_field(body, "turn_cut")) {
    chosen.cut = turn_cut_from_name(text_field(body, "turn_cut"));
  }
  return chosen;
}

Request pair_request(std::string prompt, std::string response, bool raw) {
  Request request;
  request.messages = {{"user", std::move(prompt)}};
  request.responses.emplace_back().text.text = std::move(response);
  request.raw = raw;
  return request;
}

Request raw_request(std::string prompt, std::string response, const ProtocolContext& context, const std::string& name) {
  refuse_other_family(prompt, *context.marks, name);
  return pair_request(std::move(prompt), std::move(response), /*raw=*/true);
}

Request record_request(Json record, const Json& body) {
  for (const char* name : {"tools", "chat_template_kwargs"}) {
    if (const Json* found = optional_field(body, name)) {
      record[name] = *found;
    }
  }
  std::vector<std::string> unknown;
  return read_request(std::move(record), 1, "\n\n", unknown);
}

Request templated_request(const std::string& text, const ProtocolContext& context, const std::string& name) {
  const TurnMarks& marks = *context.marks;
  if (marks.opening.empty()) {
    throw InvalidInput("\"" + name +
                       "\" is one text, and where the response begins in it is not known: this model has no chat "
                       "template. Send prompt and response apart.");
  }
  const std::size_t padding = padding_bytes(text, marks);
  const std::string whole = text.substr(padding);
  const std::optional<FoundCut> found = cut_of(whole, context, name);
  if (!found) {
    const std::string_view foreign = foreign_mark(text, marks);
    throw InvalidInput(
        "\"" + name + "\" does not hold the model's turn, which begins with " + Json(marks.opening).dump() + ". " +
        (foreign.empty() ? std::string()
                         : "It holds " + std::string(foreign) + ", which another model's chat template writes. ") +
        "Apply the model's chat template, or send prompt and response apart.");
  }
  return raw_request(whole.substr(0, found->begin), whole.substr(found->begin), context, name);
}

Request templated_request(const Tokens& ids, const ProtocolContext& context, const std::string& name) {
  const auto padded =
      std::find_if_not(ids.begin(), ids.end(), [&](Token id) { return context.marks->filler_ids.contains(id); });
  const Tokens whole(padded, ids.end());
  const std::optional<FoundCut> found = cut_of(whole, context, name);
  if (!found) {
    throw InvalidInput("\"" + name + "\" does not hold the tokens that the model's turn begins with" +
                       (context.marks->opening_ids.empty() ? ", which are not known of this model" : "") +
                       ". Send \"prompt_ids\" and \"response_ids\" in its place.");
  }
  const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(found->begin);
  Request request;
  request.prompt_ids = Tokens(whole.begin(), begin);
  request.responses.emplace_back().ids = Tokens(begin, whole.end());
  return request;
}

void note_foreign_ends(std::span<const Request> requests, const ProtocolContext& context) {
  for (const Request& request : requests) {
    for (const RequestResponse& response : request.responses) {
      if (!foreign_end(response.text.text, *context.marks).empty()) {
        context.note(TextNote::kOtherFamily);
      }
    }
  }
}

void note_spelled_ends(std::span<const Scored> scored, const ProtocolContext& context) {
  for (const Scored& record : scored) {
    for (const ScoredOutcome& outcome : record.responses) {
      if (outcome.scored && outcome.scored->spelled_end && outcome.scored->context != ResponseContext::kRaw) {
        context.note(TextNote::kSpelledEnd);
      }
    }
  }
}

double only_reward(const Scored& scored, std::size_t place) {
  const ScoredOutcome& outcome = scored.responses.front();
  if (!outcome.scored) {
    throw InvalidInput("response " + std::to_string(place) + ": " + outcome.error);
  }
  if (!std::isfinite(outcome.scored->reward)) {
    throw InvalidInput("response " + std::to_string(place) + " has probability 0: the model masks one of its tokens.");
  }
  return outcome.scored->reward;
}

std::vector<RowReward> all_row_rewards(std::span<const Scored> scored, const ProtocolContext& context) {
  std::vector<RowReward> rows;
  for (const Scored& one : scored) {
    RowReward& row = rows.emplace_back();
    try {
      row.number = only_reward(one, rows.size() - 1);
    } catch (const InvalidInput& error) {
      row = {context.unscored, error.what()};
      context.note(TextNote::kUnscored);
    }
  }
  return rows;
}

std::vector<RowReward> row_rewards(std::span<const Scored> scored, const ProtocolContext& context) {
  std::vector<RowReward> rows = all_row_rewards(scored, context);
  if (std::none_of(rows.begin(), rows.end(), [](const RowReward& row) { return row.number.has_value(); })) {
    throw InvalidInput(rows.front().error);
  }
  return rows;
}

Json number_or_null(const RowReward& row) { return row.number ? Json(*row.number) : Json(); }

void tell_error(const RowReward& row, Json& entry) {
  if (!row.error.empty()) {
    entry["error"] = valid_utf8(row.error);
  }
}

Request refused_request(std::string reason) {
  Request request = pair_request("", "", /*raw=*/false);
  request.responses.front().refused = std::move(reason);
  return request;
}

Json usage(std::span<const Scored> scored) {
  std::size_t tokens = 0;
  for (const Scored& one : scored) {
    for (const ScoredOutcome& outcome : one.responses) {
      tokens += outcome.scored ? outcome.scored->token_ids.size() : 0;
    }
  }
  return {{"prompt_tokens", tokens}, {"total_tokens", tokens}, {"completion_tokens", 0}};
}

}  // namespace endorm
