#include "app/server/tokenize_protocol.h"

#include <array>

#include "app/server/request_fields.h"
#include "core/errors.h"
#include "core/utf8.h"
#include "engine/text_form.h"
#include "score/token_reader.h"

namespace endorm {
namespace {

// A token and what it spells: a text, or its bytes where they are no whole characters.
Json piece_of(Token token, const std::string& bytes) {
  if (valid_utf8(bytes) == bytes) {
    return {{"id", token}, {"piece", bytes}};
  }
  Json piece = {{"id", token}, {"piece", Json::array()}};
  for (const char byte : bytes) {
    piece["piece"].push_back(static_cast<unsigned char>(byte));
  }
  return piece;
}

}  // namespace

Json tokenize_reply(const Engine& engine, const Json& body, const ProtocolContext& context) {
  constexpr std::array<std::string_view, 5> kFields = {"content", "prompt", "add_special", "add_special_tokens",
                                                       "with_pieces"};
  constexpr std::array<UnsupportedField, 3> kUnsupported = {
      {{"parse_special", is_true, "Special tokens that a text spells are these tokens."},
       {"messages", is_nothing, "Send text."},
       {"return_token_strs", is_false, "Send \"with_pieces\"."}}};
  check_fields(body, context, kFields, kUnsupported);
  const bool llama = optional_field(body, "content") != nullptr;
  const std::string& text = text_field(body, llama ? "content" : "prompt");
  const bool special = llama ? flag_field(body, "add_special", false) : flag_field(body, "add_special_tokens", true);
  Tokens tokens;
  if (!text.empty()) {
    const ResponseText whole{text, /*truncated=*/true};
    TokenizedResponse split = required(engine.text_form(), engine, "tokenize_raw")
                                  .tokenize_raw("", std::span(&whole, 1), TemplateOptions{})
                                  .front();
    if (special) {
      tokens = std::move(split.prompt);
    }
    tokens.insert(tokens.end(), split.response.begin(), split.response.end());
  }
  Json list = Json::array();
  const bool pieces = flag_field(body, "with_pieces", false);
  for (const Token token : tokens) {
    list.push_back(pieces ? piece_of(token, engine.token_bytes(token)) : Json(token));
  }
  return {{"tokens", std::move(list)}, {"count", tokens.size()}, {"max_model_len", engine.capabilities().context}};
}

Json detokenize_reply(const Engine& engine, const Json& body, const ProtocolContext& context) {
  constexpr std::array<std::string_view, 2> kFields = {"tokens", "with_pieces"};
  check_fields(body, context, kFields, {});
  std::string text;
  Json pieces = Json::array();
  for (const Token token : read_token_ids(JsonField(body).at("tokens"))) {
    const std::string bytes = engine.token_bytes(token);
    text += bytes;
    pieces.push_back(piece_of(token, bytes));
  }
  text = valid_utf8(text);
  Json reply = {{"content", text}, {"prompt", text}};
  if (flag_field(body, "with_pieces", false)) {
    reply["tokens"] = std::move(pieces);
  }
  return reply;
}

}  // namespace endorm
