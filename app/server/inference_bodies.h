#pragma once

#include <span>
#include <string_view>

#include "app/server/protocol.h"

namespace endorm {

// What the routes of inference servers (classify_protocols.h, rerank_protocols.h) have in common.

// The label of the only class.
inline constexpr const char* kRewardLabel = "reward";

// Fields of a body: those that are read, and those that vLLM's, SGLang's, Jina's and Cohere's clients may send beside
// them. Throws InvalidInput as check_fields does.
void check_inference_fields(const Json& body, const ProtocolContext& context, std::span<const std::string_view> read);
// Whether "use_activation" or "activation" asks for probabilities in the place of rewards.
bool activation_of(const Json& body);
// Options of a request that lets a prompt lose what does not fit: vLLM's "truncate_prompt_tokens" (-1: into the
// context) and TEI's "truncate". What is lost at the right would be the response's: such a text is refused where it is
// too long.
ScoreOptions truncating(const Json& body, const ProtocolContext& context, std::span<const Request> requests);

// A probability in a reward's place, where it is asked for.
Json shown(const Json& number, bool activated);
// One entry a request, in their order, each made of its place and its number, null where it has none.
template <typename MakeEntry>
Json entries(std::span<const Scored> scored, const ProtocolContext& context, const MakeEntry& make_entry) {
  Json list = Json::array();
  for (const RowReward& row : row_rewards(scored, context)) {
    list.push_back(make_entry(list.size(), number_or_null(row)));
    tell_error(row, list.back());
  }
  return list;
}
// A reply of vLLM's form around its entries.
Json listed(const ProtocolContext& context, const char* kind, Json data, std::span<const Scored> scored);

}  // namespace endorm
