#include "app/server/teacher_protocols.h"

#include <algorithm>
#include <array>
#include <limits>

#include "app/server/request_fields.h"
#include "core/base64.h"
#include "core/errors.h"
#include "core/temperature.h"
#include "core/utf8.h"
#include "score/token_reader.h"

namespace endorm {
namespace {

constexpr std::size_t kTrlLikeliest = 100;  // where a request says nothing else

std::size_t count_or(const JsonField& object, const char* name, std::size_t otherwise) {
  const std::optional<JsonField> found = object.find(name);
  return found ? found->count() : otherwise;
}

double number_or(const JsonField& object, const char* name, double otherwise) {
  const std::optional<JsonField> found = object.find(name);
  return found ? found->number() : otherwise;
}

// [[log pi or null, id, text or null], ..] of a list of tokens.
Json sglang_tokens(std::span<const ToldToken> tokens, bool with_text) {
  Json list = Json::array();
  for (const ToldToken& token : tokens) {
    list.push_back({token.log_prob ? Json(*token.log_prob) : Json(), token.id,
                    with_text ? Json(valid_utf8(token.bytes)) : Json()});
  }
  return list;
}

struct SglangAsked {
  bool many = false;
  bool log_probs = false;
  bool with_text = false;
  std::int64_t begin = -1;  // the first token that is told of; below 0: none
  std::size_t likeliest = 0;
};

Json sglang_reply(const SglangAsked& asked, std::span<const CompletionChoice> choices, const ProtocolContext& context) {
  Json replies = Json::array();
  for (const CompletionChoice& choice : choices) {
    Json meta = {{"id", context.id + "-" + std::to_string(replies.size())},
                 {"finish_reason", {{"type", "length"}, {"length", 0}}},
                 {"prompt_tokens", choice.prompt.tokens.size()},
                 {"completion_tokens", 0},
                 {"cached_tokens", 0}};
    if (asked.log_probs) {
      const std::size_t begin =
          asked.begin < 0 ? choice.read.size() : std::min(static_cast<std::size_t>(asked.begin), choice.read.size());
      std::vector<ToldToken> told(choice.read.begin() + static_cast<std::ptrdiff_t>(begin), choice.read.end());
      if (!told.empty()) {  // of the first the server that this is taken from tells nothing
        told.front().log_prob.reset();
        told.front().likeliest.clear();
      }
      meta["input_token_logprobs"] = sglang_tokens(told, asked.with_text);
      meta["output_token_logprobs"] = Json::array();
      if (asked.likeliest > 0) {
        Json& top = meta["input_top_logprobs"] = Json::array();
        for (const ToldToken& token : told) {
          const std::size_t most = std::min(asked.likeliest, token.likeliest.size());
          top.push_back(token.log_prob ? sglang_tokens(std::span(token.likeliest).first(most), asked.with_text)
                                       : Json());
        }
        meta["output_top_logprobs"] = Json::array();
      }
    }
    replies.push_back({{"text", ""}, {"output_ids", Json::array()}, {"meta_info", std::move(meta)}});
  }
  return asked.many ? replies : replies[0];
}

bool holds_no_image(const Json& images) {
  return images.is_array() && std::all_of(images.begin(), images.end(), [](const Json& image) {
           return image.is_null() || (image.is_array() && image.empty());
         });
}

// The token ids of a field: one list, or a list of lists.
std::vector<CompletionPrompt> id_prompts(const Json& body, const char* name, bool& many) {
  const Json& ids = field(body, name);
  many = ids.is_array() && !ids.empty() && ids.front().is_array();
  std::vector<CompletionPrompt> prompts;
  if (!many) {
    prompts.push_back({{}, read_token_ids(JsonField(ids, name))});
  }
  for (std::size_t i = 0; many && i < ids.size(); ++i) {
    prompts.push_back({{}, read_token_ids(JsonField(ids[i], element(name, i)))});
  }
  return prompts;
}

// Rows of arrays [B][T][k] that shorter sequences and fewer tokens leave with fill.
template <typename Number>
void fill(std::vector<Number>& numbers, std::size_t size, Number with) {
  numbers.resize(std::max(numbers.size(), size), with);
}

struct TrlAsked {
  std::size_t likeliest = 0;
  bool binary = false;
  std::vector<std::size_t> prompts;  // [B] lengths
};

Json trl_reply(const TrlAsked& asked, std::span<const CompletionChoice> choices) {
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  std::size_t longest = 0;
  Json lengths = Json::array();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const std::size_t length = choices[i].read.size() - asked.prompts[i];
    longest = std::max(longest, length);
    lengths.push_back(length);
  }
  std::vector<float> log_probs;
  std::vector<std::int32_t> ids;
  std::vector<float> actual_log_probs;
  std::vector<std::int32_t> actual_ids;
  Json each_log_probs = Json::array();
  Json each_ids = Json::array();
  Json each_actual_log_probs = Json::array();
  Json each_actual_ids = Json::array();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    Json sequence_log_probs = Json::array();
    Json sequence_ids = Json::array();
    Json sequence_actual_log_probs = Json::array();
    Json sequence_actual_ids = Json::array();
    for (std::size_t at = asked.prompts[i]; at < choices[i].read.size(); ++at) {
      const ToldToken& token = choices[i].read[at];
      Json of_place = Json::array();
      Json ids_of_place = Json::array();
      for (std::size_t rank = 0; rank < asked.likeliest; ++rank) {
        const bool there = rank < token.likeliest.size();
        if (asked.binary) {
          log_probs.push_back(there ? static_cast<float>(*token.likeliest[rank].log_prob) : kNone);
          ids.push_back(there ? token.likeliest[rank].id : 0);
        } else {
          of_place.push_back(there ? Json(*token.likeliest[rank].log_prob) : Json());
          ids_of_place.push_back(there ? token.likeliest[rank].id : 0);
        }
      }
      if (asked.binary) {
        actual_log_probs.push_back(static_cast<float>(*token.log_prob));
        actual_ids.push_back(token.id);
      } else {
        sequence_log_probs.push_back(std::move(of_place));
        sequence_ids.push_back(std::move(ids_of_place));
        sequence_actual_log_probs.push_back({*token.log_prob});
        sequence_actual_ids.push_back({token.id});
      }
    }
    fill(log_probs, asked.binary ? (i + 1) * longest * asked.likeliest : 0, kNone);
    fill(ids, asked.binary ? (i + 1) * longest * asked.likeliest : 0, std::int32_t{0});
    fill(actual_log_probs, asked.binary ? (i + 1) * longest : 0, kNone);
    fill(actual_ids, asked.binary ? (i + 1) * longest : 0, std::int32_t{0});
    each_log_probs.push_back(std::move(sequence_log_probs));
    each_ids.push_back(std::move(sequence_ids));
    each_actual_log_probs.push_back(std::move(sequence_actual_log_probs));
    each_actual_ids.push_back(std::move(sequence_actual_ids));
  }
  if (!asked.binary) {
    return {{"logprobs", std::move(each_log_probs)},
            {"logprob_token_ids", std::move(each_ids)},
            {"actual_logprobs", std::move(each_actual_log_probs)},
            {"actual_token_ids", std::move(each_actual_ids)},
            {"completion_lengths", std::move(lengths)}};
  }
  return {{"logprobs_b64", base64_of_words(std::span<const float>(log_probs))},
          {"token_ids_b64", base64_of_words(std::span<const std::int32_t>(ids))},
          {"actual_logprobs_b64", base64_of_words(std::span<const float>(actual_log_probs))},
          {"actual_token_ids_b64", base64_of_words(std::span<const std::int32_t>(actual_ids))},
          {"shape", {choices.size(), longest, asked.likeliest}},
          {"completion_lengths", std::move(lengths)}};
}

}  // namespace

CompletionsRequest read_generate(const Json& body, const ProtocolContext& context) {
  constexpr std::array<std::string_view, 9> kFields = {"text",
                                                       "input_ids",
                                                       "sampling_params",
                                                       "return_logprob",
                                                       "logprob_start_len",
                                                       "top_logprobs_num",
                                                       "return_text_in_logprobs",
                                                       "rid",
                                                       "bootstrap_room"};
  constexpr std::array<UnsupportedField, 9> kUnsupported = {{
      {"image_data", holds_no_image, "Images are not read."},
      {"audio_data", holds_no_image, "Sound is not read."},
      {"video_data", holds_no_image, "Films are not read."},
      {"input_embeds", is_nothing, "Send token ids."},
      {"token_ids_logprob", is_empty, "Send \"top_logprobs_num\"."},
      {"return_hidden_states", is_false, "Leave it out."},
      {"stream", is_false, "Leave it out."},
      {"lora_path", is_empty, "Start the server with --lora."},
      {"custom_logit_processor", is_nothing, "Leave it out."},
  }};
  check_fields(body, context, kFields, kUnsupported);
  SglangAsked asked;
  CompletionsRequest request;
  if (optional_field(body, "input_ids")) {
    if (optional_field(body, "text")) {
      throw InvalidInput("\"text\" stands beside \"input_ids\". Keep one of them.");
    }
    request.prompts = id_prompts(body, "input_ids", asked.many);
  } else {
    asked.many = field(body, "text").is_array();
    for (std::string& text : texts_field(body, "text")) {
      request.prompts.push_back({std::move(text), {}});
    }
  }
  const JsonField whole(body);
  const std::optional<JsonField> sampling = whole.find("sampling_params");
  const std::size_t drawn = sampling ? count_or(sampling->object(), "max_new_tokens", 128) : 128;
  if (drawn != 0) {
    throw InvalidInput("\"sampling_params.max_new_tokens\" is " + std::to_string(drawn) +
                       " (128 where nothing is said), expected 0: this route tells of what was written. "
                       "/v1/completions draws tokens.");
  }
  asked.log_probs = flag_field(body, "return_logprob", false);
  asked.with_text = flag_field(body, "return_text_in_logprobs", false);
  asked.begin = whole.has("logprob_start_len") ? whole.at("logprob_start_len").integer() : -1;
  asked.likeliest = whole.has("top_logprobs_num") ? likeliest_field(body, "top_logprobs_num") : 0;
  request.sampling.max_tokens = 0;
  if (asked.log_probs && asked.begin >= 0) {
    request.prompt_log_probs = asked.likeliest;
    request.read_from.assign(request.prompts.size(), static_cast<std::size_t>(asked.begin) + 1);
  }
  request.reply = [asked](std::span<const CompletionChoice> choices, const ProtocolContext& told) {
    return sglang_reply(asked, choices, told);
  };
  return request;
}

CompletionsRequest read_inference_generate(const Json& body, const ProtocolContext& context) {
  constexpr std::array<std::string_view, 4> kFields = {"token_ids", "sampling_params", "stream_options", "cache_salt"};
  constexpr std::array<UnsupportedField, 3> kUnsupported = {{{"stream", is_false, "Leave it out."},
                                                             {"features", is_empty, "Send token ids alone."},
                                                             {"kv_transfer_params", is_empty, "Leave it out."}}};
  check_fields(body, context, kFields, kUnsupported);
  Json asked = Json::object();
  if (const Json* sampling = optional_field(body, "sampling_params")) {
    asked = JsonField(*sampling, "sampling_params").object().value();
    asked.erase("skip_special_tokens");  // of a text, and none is sent
    asked.erase("detokenize");
    asked.erase("output_kind");
  }
  asked["prompt"] = Json::array({read_token_ids(JsonField(body).at("token_ids"))});
  CompletionsRequest request = read_completions(asked, context);
  request.reply = [log_probs = request.log_probs, prompt = request.prompt_log_probs](
                      std::span<const CompletionChoice> choices, const ProtocolContext& told) {
    const CompletionChoice& choice = choices.front();
    Json drawn = Json::array();
    for (const ToldToken& token : choice.drawn) {
      drawn.push_back(token.id);
    }
    const Json shown =
        log_probs ? Json{{"content", id_log_probs(choice.drawn, std::max<std::size_t>(*log_probs, 1))}} : Json();
    return Json{
        {"request_id", "gen-" + told.id},
        {"choices",
         {{{"index", 0}, {"token_ids", std::move(drawn)}, {"logprobs", shown}, {"finish_reason", choice.finish}}}},
        {"prompt_logprobs", prompt ? prompt_log_probs(choice.read, *prompt) : Json()}};
  };
  return request;
}

CompletionsRequest read_sequence_log_probs(const Json& body, const ProtocolContext& context) {
  constexpr std::array<std::string_view, 5> kFields = {"sequences", "prompt_lengths", "top_logprobs", "temperature",
                                                       "response_format"};
  check_fields(body, context, kFields, {});
  const JsonField whole(body);
  TrlAsked asked;
  CompletionsRequest request;
  for (const JsonField& ids : whole.at("sequences").filled_list("a list of lists of token ids")) {
    request.prompts.push_back({{}, read_token_ids(ids)});
  }
  for (const JsonField& length : whole.at("prompt_lengths").filled_list("a list of lengths")) {
    asked.prompts.push_back(length.count());
  }
  if (asked.prompts.size() != request.prompts.size()) {
    throw InvalidInput("\"prompt_lengths\" has " + std::to_string(asked.prompts.size()) +
                       " entries and \"sequences\" " + std::to_string(request.prompts.size()) + ". Give as many.");
  }
  for (std::size_t i = 0; i < asked.prompts.size(); ++i) {
    if (asked.prompts[i] == 0 || asked.prompts[i] > request.prompts[i].ids.size()) {
      throw InvalidInput("\"" + element("prompt_lengths", i) + "\" is " + std::to_string(asked.prompts[i]) +
                         ", expected a number from 1 to the " + std::to_string(request.prompts[i].ids.size()) +
                         " tokens of its sequence.");
    }
  }
  asked.likeliest = whole.has("top_logprobs") ? likeliest_field(body, "top_logprobs") : kTrlLikeliest;
  const std::string format = whole.has("response_format") ? text_field(body, "response_format") : "json";
  if (format != "json" && format != "binary") {
    throw InvalidInput("\"response_format\" is \"" + excerpt(format) + "\", expected json or binary.");
  }
  asked.binary = format == "binary";
  request.read_temperature = number_or(whole, "temperature", 1.0);
  if (!(request.read_temperature >= kLeastTemperature)) {
    throw InvalidInput("\"temperature\" is below 1e-30: logits divided by it overflow. Send a larger one.");
  }
  request.sampling.max_tokens = 0;
  request.prompt_log_probs = asked.likeliest;
  request.read_from = asked.prompts;
  request.reply = [asked](std::span<const CompletionChoice> choices, const ProtocolContext&) {
    return trl_reply(asked, choices);
  };
  return request;
}

std::span<const CompletionsRoute> completions_routes() {
  static constexpr std::array<CompletionsRoute, 5> kRoutes = {{
      {"/v1/completions", read_completions},
      {"/generate", read_generate},
      {"/inference/v1/generate", read_inference_generate},
      {"/get_sequence_logprobs", read_sequence_log_probs},
      {"/get_sequence_logprobs/", read_sequence_log_probs},
  }};
  return kRoutes;
}

}  // namespace endorm
