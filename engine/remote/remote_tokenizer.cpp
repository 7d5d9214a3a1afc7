#include "engine/remote/remote_tokenizer.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "core/errors.h"
#include "core/utf8.h"
#include "engine/remote/remote_spelling.h"

namespace endorm {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

bool is_blank(std::string_view text) { return text.find_first_not_of(kWhiteSpace) == std::string_view::npos; }

bool continues(std::span<const Token> whole, std::span<const Token> beginning) {
  return whole.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), whole.begin());
}

std::string joined(std::span<const std::string> bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), std::string());
}

// Tokens of a turn behind the prompt, parted into the response's and what the template put behind them.
struct PartedTurn {
  std::size_t text_tokens = 0;            // how many tokens spell the text
  std::vector<std::size_t> byte_offsets;  // [text_tokens] where each begins in the text
};

// Some templates (and SentencePiece) put white space before the text; it belongs to the first token's bytes, not to the
// text's. Empty where the bytes do not begin with the text otherwise, or where a token reaches over its end.
std::optional<PartedTurn> part_turn(std::span<const std::string> bytes, std::string_view text) {
  const std::string all = joined(bytes);
  const std::size_t lead = all.find(text);
  if (lead == std::string::npos || !is_blank(std::string_view(all).substr(0, lead))) {
    return std::nullopt;
  }
  PartedTurn parted;
  std::size_t begin = 0;
  for (const std::string& token : bytes) {
    if (begin >= lead + text.size()) {
      break;
    }
    parted.byte_offsets.push_back(begin < lead ? 0 : begin - lead);
    begin += token.size();
  }
  parted.text_tokens = parted.byte_offsets.size();
  return begin == lead + text.size() ? std::optional(parted) : std::nullopt;
}

void append_from(TokenizedResponse& result, std::span<const Token> tokens, std::size_t text_size) {
  result.response.insert(result.response.end(), tokens.begin(), tokens.end());
  result.byte_offsets.resize(result.response.size(), text_size);
}

// How many of the tokens behind the text are the end of turn: up to the first that is not blank, and with the newline
// also the blank ones behind it.
std::size_t end_of_turn_tokens(std::span<const std::string> bytes, bool with_newline) {
  std::size_t count = 0;
  while (count < bytes.size() && is_blank(bytes[count])) {
    ++count;
  }
  if (count == bytes.size()) {
    throw InvalidInput(
        "[RemoteTokenizer] the server's chat template puts no end-of-turn token behind a response. Mark the response "
        "as truncated, or turn the scoring of the end of turn off.");
  }
  ++count;
  while (with_newline && count < bytes.size() && is_blank(bytes[count])) {
    ++count;
  }
  return count;
}

// The servers read the name of a special token inside a text as that token. A response that closes its own turn is no
// response any more.
void check_turn_stays_open(const TokenizedResponse& result, std::span<const Token> behind,
                           std::span<const std::string> behind_bytes) {
  for (std::size_t at = 0; at < behind.size(); ++at) {
    if (is_blank(behind_bytes[at])) {
      continue;
    }
    if (std::find(result.response.begin(), result.response.end(), behind[at]) != result.response.end()) {
      throw InvalidInput("[RemoteTokenizer] the response contains the end-of-turn token " + behind_bytes[at] +
                         ", which the server takes for the end of the response. Remove it, or run the model locally " +
                         "with --model FILE, where it stays text.");
    }
    return;
  }
}

}  // namespace

RemoteTokenizer::RemoteTokenizer(RemoteDialect dialect, std::string model, std::string end_of_turn, RemoteHttp& http)
    : dialect_(dialect),
      model_(std::move(model)),
      end_of_turn_(std::move(end_of_turn)),
      rendering_(dialect == RemoteDialect::kVllm || end_of_turn_.empty() ? TurnRendering::kClosed
                                                                         : TurnRendering::kOpen),
      http_(http) {}

TokenizeReply RemoteTokenizer::ask(const RemoteCall& call) {
  TokenizeReply reply = parse_tokenize(http_.post(call.path, call.body));
  if (dialect_ == RemoteDialect::kVllm && reply.spellings.empty() && !reply.tokens.empty()) {
    throw EngineError("[RemoteTokenizer] " + http_.base_url() + call.path +
                      " does not give token_strs, so the bytes of the tokens stay unknown. Update vLLM.");
  }
  return reply;
}

std::vector<std::string> RemoteTokenizer::detokenize(std::span<const Tokens> sequences) {
  if (dialect_ == RemoteDialect::kSglang) {
    const RemoteCall call = detokenize_call(dialect_, model_, sequences);
    return parse_detokenize(dialect_, http_.post(call.path, call.body), sequences.size());
  }
  std::vector<std::string> texts;
  for (std::size_t sequence = 0; sequence < sequences.size(); ++sequence) {
    const RemoteCall call = detokenize_call(dialect_, model_, sequences.subspan(sequence, 1));
    texts.push_back(parse_detokenize(dialect_, http_.post(call.path, call.body), 1).front());
  }
  return texts;
}

// A decoder may drop the space before the first token of a text. So each token is decoded once and twice in a row: what
// the second adds are the token's bytes.
void RemoteTokenizer::learn(std::span<const Token> tokens) {
  std::vector<Tokens> sequences;
  for (const Token token : tokens) {
    if (!bytes_.contains(token)) {
      sequences.push_back({token});
      sequences.push_back({token, token});
    }
  }
  if (sequences.empty()) {
    return;
  }
  const std::vector<std::string> texts = detokenize(sequences);
  for (std::size_t at = 0; at < texts.size(); at += 2) {
    const std::string& once = texts[at];
    const std::string& twice = texts[at + 1];
    if (!twice.starts_with(once) || twice.find(kUtf8Replacement) != std::string::npos) {
      std::string message = "[RemoteTokenizer] the server does not give the bytes of token ";
      message += std::to_string(sequences[at].front());
      message += ": it decodes it to \"";
      message += once;
      message += "\", and twice in a row to \"";
      message += twice;
      message += "\". The token may split a character. Use a vLLM server, or run the model locally with --model FILE.";
      throw EngineError(message);
    }
    bytes_.insert_or_assign(sequences[at].front(), twice.substr(once.size()));
  }
}

RemoteTokenizer::Pieces RemoteTokenizer::pieces(const TokenizeReply& reply, std::size_t first) {
  Pieces result{reply.tokens, {}};
  if (reply.spellings.empty()) {
    result.bytes.resize(std::min(first, reply.tokens.size()));
    learn(std::span(reply.tokens).subspan(result.bytes.size()));
    for (std::size_t token = result.bytes.size(); token < reply.tokens.size(); ++token) {
      result.bytes.push_back(bytes_.at(reply.tokens[token]));
    }
    return result;
  }
  const VocabularySpelling spelling = vocabulary_spelling(reply.spellings);
  for (std::size_t token = 0; token < reply.tokens.size(); ++token) {
    result.bytes.push_back(spelled_bytes(spelling, reply.spellings[token]));
    bytes_.insert_or_assign(reply.tokens[token], result.bytes.back());
  }
  return result;
}

TokenizedResponse RemoteTokenizer::tokenize_closed(const TokenizeReply& prompt, std::span<const Message> messages,
                                                   const ResponseText& response, const TemplateOptions& options) {
  const TokenizeReply reply =
      ask(tokenize_turn_call(dialect_, rendering_, model_, messages, response.text, options.arguments));
  const bool whole_turn = continues(reply.tokens, prompt.tokens);
  const Pieces turn = pieces(reply, whole_turn ? prompt.tokens.size() : 0);
  TokenizedResponse result;
  result.prompt = prompt.tokens;
  std::size_t text_end = 0;  // the first token of the turn behind the text
  if (whole_turn) {
    const std::size_t begin = prompt.tokens.size();
    const auto parted = part_turn(std::span(turn.bytes).subspan(begin), response.text);
    if (!parted) {
      throw InvalidInput("[RemoteTokenizer] the server's chat template does not render the response of " +
                         std::to_string(response.text.size()) +
                         " bytes as it is (it trims it, or puts something before it). Give the text as the template "
                         "renders it, or run "
                         "the model locally with --model FILE.");
    }
    text_end = begin + parted->text_tokens;
    result.response.assign(turn.tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                           turn.tokens.begin() + static_cast<std::ptrdiff_t>(text_end));
    result.byte_offsets = parted->byte_offsets;
  } else {
    // The tokens merge across the boundary, or the template renders the two differently: the bytes tell.
    std::vector<std::string> before = pieces(prompt, 0).bytes;
    const std::string open = joined(before) + response.text;
    const Pieces alone = pieces(ask(tokenize_text_call(dialect_, model_, response.text)), 0);
    const auto parted = part_turn(alone.bytes, response.text);
    for (std::size_t bytes = 0; text_end < turn.bytes.size() && bytes < open.size(); ++text_end) {
      bytes += turn.bytes[text_end].size();
    }
    const bool whole = joined(std::span(turn.bytes).first(text_end)) == open;
    if (!whole || !parted || parted->text_tokens != alone.tokens.size()) {
      throw InvalidInput(
          "[RemoteTokenizer] the server's chat template does not continue its open assistant turn when the turn is "
          "closed. Run the model locally with --model FILE; for SGLang before 0.5.23, which closes no turns, name the "
          "end of turn in the engine's option end_of_turn.");
    }
    result.boundary_split = true;
    result.response = alone.tokens;
    result.byte_offsets = parted->byte_offsets;
  }
  check_turn_stays_open(result, std::span(turn.tokens).subspan(text_end), std::span(turn.bytes).subspan(text_end));
  if (!response.truncated && options.end_of_turn) {
    const std::size_t count = end_of_turn_tokens(std::span(turn.bytes).subspan(text_end), options.template_newline);
    append_from(result, std::span(turn.tokens).subspan(text_end, count), response.text.size());
  }
  return result;
}

TokenizedResponse RemoteTokenizer::tokenize_open(const TokenizeReply& prompt, std::span<const Message> messages,
                                                 const ResponseText& response, const TemplateOptions& options) {
  const bool closes = !response.truncated && options.end_of_turn;
  if (closes && options.template_newline) {
    throw InvalidInput(
        "[RemoteTokenizer] the engine's option end_of_turn says how a turn ends, so the white space that the template "
        "puts behind it is not known. Leave the option empty (SGLang 0.5.23 and later), or turn the newline off.");
  }
  const std::string text = response.text + (closes ? end_of_turn_ : "");
  const TokenizeReply turn = ask(tokenize_turn_call(dialect_, rendering_, model_, messages, text));
  if (!continues(turn.tokens, prompt.tokens)) {
    throw EngineError("[RemoteTokenizer] " + http_.base_url() +
                      " does not continue the prompt's tokens with the response. Update SGLang, or run the model "
                      "locally with --model FILE.");
  }
  const std::size_t begin = prompt.tokens.size();
  const std::span<const Token> tokens = std::span(turn.tokens).subspan(begin);
  const Pieces behind = pieces({Tokens(tokens.begin(), tokens.end()), {}}, 0);
  const auto parted = part_turn(behind.bytes, response.text);
  const auto all = part_turn(behind.bytes, text);
  if (!parted || !all || all->text_tokens != tokens.size()) {
    throw EngineError(
        "[RemoteTokenizer] the tokens that SGLang gives for the response do not spell it: it decodes them to \"" +
        joined(behind.bytes) + "\". Use a vLLM server, or run the model locally with --model FILE.");
  }
  TokenizedResponse result;
  result.prompt = prompt.tokens;
  result.response.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(parted->text_tokens));
  result.byte_offsets = parted->byte_offsets;
  check_turn_stays_open(result, tokens.subspan(parted->text_tokens),
                        std::span(behind.bytes).subspan(parted->text_tokens));
  append_from(result, tokens.subspan(parted->text_tokens), response.text.size());
  return result;
}

// The server's template is its own: what cannot be said to it is refused.
void RemoteTokenizer::check_sayable(std::span<const ResponseText> responses, const TemplateOptions& options) const {
  const char* unsayable = nullptr;
  if (!options.arguments.empty() && dialect_ != RemoteDialect::kVllm) {
    unsayable = "tools and template arguments, which this server does not take";
  } else if (options.date != TemplateOptions{}.date) {
    unsayable = "--template-date: the server's template asks its own clock";
  } else if (options.reading != ResponseReading::kAuto) {
    unsayable = "--response-is: the server says where its template puts a response";
  } else if (std::any_of(responses.begin(), responses.end(),
                         [](const ResponseText& response) { return !response.fields.empty(); })) {
    unsayable = "a response with tool calls or reasoning of its own: give its text";
  }
  if (unsayable != nullptr) {
    throw InvalidInput("[RemoteTokenizer] a remote model cannot be asked for " + std::string(unsayable) +
                       ". Leave it out, or run the model locally with --model FILE.");
  }
}

std::vector<TokenizedResponse> RemoteTokenizer::tokenize(std::span<const Message> messages,
                                                         std::span<const ResponseText> responses,
                                                         const TemplateOptions& options) {
  if (messages.empty() || messages.back().role == "assistant") {
    throw InvalidInput("[RemoteTokenizer] the prompt " +
                       std::string(messages.empty() ? "has no message" : "ends with an assistant's message") +
                       ". Give a prompt that ends with the turn to be answered.");
  }
  check_sayable(responses, options);
  const TokenizeReply prompt = ask(tokenize_prompt_call(dialect_, rendering_, model_, messages, options.arguments));
  std::vector<TokenizedResponse> results;
  for (const ResponseText& response : responses) {
    results.push_back(rendering_ == TurnRendering::kClosed ? tokenize_closed(prompt, messages, response, options)
                                                           : tokenize_open(prompt, messages, response, options));
    results.back().finish = response.truncated ? Finish::kTruncated : Finish::kEndOfTurn;
  }
  return results;
}

std::string RemoteTokenizer::token_bytes(Token token) {
  learn(std::span(&token, 1));
  return bytes_.at(token);
}

}  // namespace endorm
