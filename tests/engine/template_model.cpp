#include "tests/engine/template_model.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <regex>
#include <set>
#include <string_view>

#include <chat.h>
#include <gguf.h>
#include <llama.h>

#include "core/random.h"
#include "engine/byte_alphabet.h"
#include "engine/weights/gguf_writer.h"
#include "engine/weights/weight_writer.h"
#include "tests/engine/python_json.h"

namespace endorm {
namespace {

constexpr const char* kBos = "<BOS>";
constexpr const char* kPad = "<|endoftext|>";

// Tokens of real vocabularies that no pattern finds.
constexpr std::array kControl = {"<s>",
                                 "</s>",
                                 "[e~[",
                                 "]~b]",
                                 "]~!b[",
                                 "<sep>",
                                 "<seed:bos>",
                                 "<seed:eos>",
                                 "<SPECIAL_10>",
                                 "<SPECIAL_11>",
                                 "<sop>",
                                 "[gMASK]",
                                 "<assistant>",
                                 "</assistant>",
                                 "<user>",
                                 "</user>",
                                 "<system>",
                                 "</system>",
                                 "<role>",
                                 "</role>",
                                 "<SPECIAL_12>",
                                 "<end_of_turn>",
                                 "<start_of_turn>",
                                 "<bos>",
                                 "<eos>",
                                 "[INST]",
                                 "[/INST]",
                                 "[SYSTEM_PROMPT]",
                                 "[/SYSTEM_PROMPT]",
                                 "<beginning_of_sentence>",
                                 "<end_of_sentence>",
                                 "<|\"|>",
                                 "\xEF\xBD\x9C"
                                 "DSML\xEF\xBD\x9C"};
constexpr std::array kMarkers = {"<think>",
                                 "</think>",
                                 "<mm:think>",
                                 "</mm:think>",
                                 "<seed:think>",
                                 "</seed:think>",
                                 "<tool_call>",
                                 "</tool_call>",
                                 "<tool_calls>",
                                 "</tool_calls>",
                                 "<minimax:tool_call>",
                                 "</minimax:tool_call>",
                                 "<seed:tool_call>",
                                 "</seed:tool_call>",
                                 "<TOOLCALL>",
                                 "</TOOLCALL>",
                                 "<arg_key>",
                                 "</arg_key>",
                                 "<arg_value>",
                                 "</arg_value>",
                                 "[THINK]",
                                 "[/THINK]",
                                 "[TOOL_CALLS]",
                                 "[ARGS]",
                                 "[CALL_ID]",
                                 "]<]minimax[>[",
                                 "<think:opensource>",
                                 "</think:opensource>",
                                 "[BEGIN FINAL RESPONSE]"};
constexpr std::array<std::pair<const char*, const char*>, 8> kMerges = {{{"t", "h"},
                                                                         {"th", "e"},
                                                                         {"\xC4\x8A", "\xC4\x8A"},
                                                                         {"i", "n"},
                                                                         {"in", "g"},
                                                                         {"\xC4\xA0", "a"},
                                                                         {"\xC4\xA0", "the"},
                                                                         {"a", "n"}}};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct Vocabulary {
  std::vector<std::string> texts;
  std::vector<std::int32_t> kinds;
  std::vector<std::string> merges;
  std::size_t plain = 0;  // tokens before the special ones

  void add(const std::string& text, llama_token_type kind) {
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) {
      texts.push_back(text);
      kinds.push_back(kind);
    }
  }
  std::uint32_t id(const std::string& text) const {
    return static_cast<std::uint32_t>(std::find(texts.begin(), texts.end(), text) - texts.begin());
  }
};

Vocabulary vocabulary_of(const TemplateModel& model, MarkerKind markers) {
  Vocabulary vocabulary;
  for (const std::string& byte : byte_level_alphabet()) {
    vocabulary.add(byte, LLAMA_TOKEN_TYPE_NORMAL);
  }
  for (const auto& [left, right] : kMerges) {
    vocabulary.add(std::string(left) + right, LLAMA_TOKEN_TYPE_NORMAL);
    vocabulary.merges.push_back(std::string(left) + " " + right);
  }
  vocabulary.plain = vocabulary.texts.size();
  vocabulary.add(kBos, LLAMA_TOKEN_TYPE_CONTROL);
  vocabulary.add(kPad, LLAMA_TOKEN_TYPE_CONTROL);
  for (const std::string& text : model.control) {
    vocabulary.add(text, LLAMA_TOKEN_TYPE_CONTROL);
  }
  for (const std::string& text : model.markers) {
    vocabulary.add(text, markers == MarkerKind::kControl ? LLAMA_TOKEN_TYPE_CONTROL : LLAMA_TOKEN_TYPE_USER_DEFINED);
  }
  return vocabulary;
}

void set_vocabulary(gguf_context* header, const Vocabulary& vocabulary, const TemplateModel& model, bool adds_bos) {
  const auto pointers = [](const std::vector<std::string>& texts) {
    std::vector<const char*> list;
    for (const std::string& text : texts) {
      list.push_back(text.c_str());
    }
    return list;
  };
  std::vector<const char*> tokens = pointers(vocabulary.texts);
  std::vector<const char*> merges = pointers(vocabulary.merges);
  gguf_set_arr_str(header, "tokenizer.ggml.tokens", tokens.data(), tokens.size());
  gguf_set_arr_data(header, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, vocabulary.kinds.data(),
                    vocabulary.kinds.size());
  gguf_set_arr_str(header, "tokenizer.ggml.merges", merges.data(), merges.size());
  gguf_set_val_u32(header, "tokenizer.ggml.bos_token_id", vocabulary.id(kBos));
  gguf_set_val_u32(header, "tokenizer.ggml.eos_token_id", vocabulary.id(model.end));
  gguf_set_val_u32(header, "tokenizer.ggml.padding_token_id", vocabulary.id(kPad));
  gguf_set_val_bool(header, "tokenizer.ggml.add_bos_token", adds_bos);
  gguf_set_val_u32(header, "llama.vocab_size", static_cast<std::uint32_t>(tokens.size()));
  gguf_set_val_str(header, "tokenizer.chat_template", model.source.c_str());
}

// How likely a token is, beside chance: its weight on the one column of the state that does not change.
float liking(const Vocabulary& vocabulary, std::size_t token, const std::string& end) {
  const std::string& text = vocabulary.texts[token];
  if (token >= vocabulary.plain) {
    return text == end ? 1.0F : -0.2F;
  }
  const bool printable = text.size() > 1 ? token >= 256 : text.front() > ' ' && text.front() <= '~';
  return printable ? 0.4F : text == "\xC4\xA0" || text == "\xC4\x8A" ? 0.6F : -4.0F;
}

}  // namespace

std::string end_of(const std::string& source) {
  constexpr std::array kEnds = {"<|END_OF_TURN_TOKEN|>",
                                "<|end_of_msg|>",
                                "<|return|>",
                                "<|assistant_end|>",
                                "<seed:eos>",
                                "<|role_end|>",
                                "[e~[",
                                "<end_of_sentence>",
                                "<SPECIAL_12>",
                                "</assistant>",
                                "<turn|>",
                                "<end_of_turn>",
                                "<|eot_id|>",
                                "<|eot|>",
                                "<|message_sep|>",
                                "<|im_end|>",
                                "<|end_of_text|>",
                                "<sep>"};
  if (has(source, "<|calls|>")) {
    return "<|flush|>";
  }
  if (has(source, "hy_eos")) {
    return "<\xEF\xBD\x9Chy_eos:opensource\xEF\xBD\x9C>";
  }
  const auto end = std::find_if(kEnds.begin(), kEnds.end(), [&](const char* text) { return has(source, text); });
  if (end != kEnds.end()) {
    return *end;
  }
  for (const char* text : {"<\xEF\xBD\x9C"
                           "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
                           "<|end|>"}) {
    if (has(source, text)) {
      return text;
    }
  }
  return has(source, "[gMASK]") ? "<|user|>" : "</s>";
}

TemplateModel template_model(const std::string& source, const std::vector<std::string>& renderings) {
  std::string text = source;
  for (const std::string& rendered : renderings) {
    text += "\n" + rendered;
  }
  TemplateModel model;
  model.source = source;
  model.end = end_of(source);
  std::set<std::string> control{model.end};
  // "<|...|>", "<|...>" and "<...|>" of Gemma 4, and the same with the bars of DeepSeek.
  const std::regex pattern(
      "<\\|[^|<>{}\\s'\"]{1,40}\\|?>|<[a-z_]{1,20}\\|>|<\xEF\xBD\x9C[^<>{}\\s'\"]{1,50}\xEF\xBD\x9C>");
  for (auto found = std::sregex_iterator(text.begin(), text.end(), pattern); found != std::sregex_iterator(); ++found) {
    control.insert(found->str());
  }
  for (const char* token : kControl) {
    if (has(text, token)) {
      control.insert(token);
    }
  }
  if (control.contains("<|calls|>")) {
    control.insert("<|flush|>");
  }
  model.control.assign(control.begin(), control.end());
  for (const char* token : kMarkers) {
    if (has(text, token)) {
      model.markers.push_back(token);
    }
  }
  return model;
}

void write_template_model(const std::string& path, const TemplateModel& model, MarkerKind markers, bool adds_bos) {
  NewModel sizes;
  sizes.layers = 1;
  sizes.width = 32;
  sizes.heads = 2;
  sizes.kv_heads = 1;
  sizes.feed_forward = 32;
  sizes.context = 8192;
  const Vocabulary vocabulary = vocabulary_of(model, markers);
  GgufWriter writer;
  set_new_model_metadata(writer.header(), sizes);
  set_vocabulary(writer.header(), vocabulary, model, adds_bos);
  const auto width = static_cast<std::int64_t>(sizes.width);
  const auto tokens = static_cast<std::int64_t>(vocabulary.texts.size());
  const std::map<std::string, std::vector<std::int64_t>> shapes = {{"token_embd.weight", {tokens, width}},
                                                                   {"output.weight", {tokens, width}},
                                                                   {"output_norm.weight", {width}},
                                                                   {"blk.0.attn_norm.weight", {width}},
                                                                   {"blk.0.ffn_norm.weight", {width}},
                                                                   {"blk.0.attn_q.weight", {width, width}},
                                                                   {"blk.0.attn_k.weight", {width / 2, width}},
                                                                   {"blk.0.attn_v.weight", {width / 2, width}},
                                                                   {"blk.0.attn_output.weight", {width, width}},
                                                                   {"blk.0.ffn_gate.weight", {width, width}},
                                                                   {"blk.0.ffn_up.weight", {width, width}},
                                                                   {"blk.0.ffn_down.weight", {width, width}}};
  RandomStream random(20261130);
  std::map<std::string, std::vector<float>> values;
  for (const auto& [name, shape] : shapes) {
    std::vector<float>& tensor = values[name];
    tensor.resize(static_cast<std::size_t>(shape.size() == 1 ? shape[0] : shape[0] * shape[1]));
    for (float& value : tensor) {
      value = shape.size() == 1 ? 1.0F : static_cast<float>(0.3 * random.normal());
    }
  }
  for (std::size_t token = 0; token < vocabulary.texts.size(); ++token) {
    values["token_embd.weight"][token * sizes.width] = 4.0F;
    values["output.weight"][token * sizes.width] = liking(vocabulary, token, model.end);
  }
  for (const char* name : {"blk.0.attn_output.weight", "blk.0.ffn_down.weight"}) {
    std::fill_n(values[name].begin(), sizes.width, 0.0F);  // nothing is added to the first column of the state
  }
  for (const auto& [name, shape] : shapes) {
    writer.add({name, shape, values.at(name)}, TensorType::kF32);
  }
  writer.write(path, TensorType::kF32, Durability::kScratch);
}

TemplateRendering::TemplateRendering(const std::string& source, const std::string& eos)
    : parsed_(std::make_unique<common_chat_template>(source, kBos, eos)) {}

TemplateRendering::~TemplateRendering() = default;

std::string TemplateRendering::operator()(const std::string& messages, bool add_generation_prompt,
                                          const std::string& arguments) const {
  const common_chat_template& parsed = *parsed_;
  common_json input;
  input["messages"] = common_json::parse(messages);
  if (!parsed.caps.supports_string_content) {
    for (auto& message : input["messages"]) {
      common_json part;
      part["type"] = "text";
      part["text"] = message["content"];
      common_json content = common_json::array();
      content.push_back(std::move(part));
      message["content"] = std::move(content);
    }
  }
  for (auto& message : input["messages"]) {
    if (message.contains("tool_calls") && !parsed.caps.supports_object_arguments) {
      for (auto& call : message["tool_calls"]) {
        common_json& given = call["function"]["arguments"];
        given = common_json::make(python_json(nlohmann::ordered_json::parse(given.dump())));
      }
    }
  }
  common_json settings;
  settings["bos_token"] = kBos;
  settings["eos_token"] = parsed.eos_token();
  settings["add_generation_prompt"] = add_generation_prompt;
  if (!arguments.empty()) {
    const common_json given = common_json::parse(arguments);
    for (const auto& [name, value] : given.items()) {
      settings[name] = value;
    }
  }
  jinja::context context(parsed.source());
  std::tm day{};
  day.tm_year = 124;
  day.tm_mon = 6;
  day.tm_mday = 26;
  day.tm_hour = 12;
  context.current_time = ::timegm(&day);
  jinja::global_from_json(context, input, true);
  jinja::global_from_json(context, settings, false);
  jinja::runtime runtime(context);
  std::string text;
  const auto gathered = jinja::runtime::gather_string_parts(runtime.execute(parsed.prog));
  for (const auto& part : gathered->val_str.parts) {
    text += part.val;
  }
  return text;
}

}  // namespace endorm
