#include "engine/turns/template_renderer.h"

#include <utility>

#include <chat.h>

#include "core/errors.h"
#include "engine/turns/input_marks.h"
#include "engine/turns/medium_places.h"

namespace endorm {
namespace {

using Kind = TextPart::Kind;

std::vector<TextPart> run(const common_chat_template& source, const common_json& input, const TemplateOptions& options,
                          bool add_generation_prompt) {
  common_json settings;
  for (const auto& [name, text] : {std::pair("bos_token", source.bos_token()), {"eos_token", source.eos_token()}}) {
    settings[name] = input.contains(name) ? input.at(name) : common_json(text);
  }
  settings["add_generation_prompt"] = add_generation_prompt;
  jinja::context context(source.source());
  context.current_time = noon_of(options.date);
  jinja::global_from_json(context, input, true);
  jinja::global_from_json(context, settings, false);
  jinja::runtime runtime(context);
  const auto gathered = jinja::runtime::gather_string_parts(runtime.execute(source.prog));
  std::vector<TextPart> parts;
  for (const auto& part : gathered->val_str.parts) {
    parts.push_back({part.val, part.is_input ? Kind::kInput : Kind::kTemplate});
  }
  return parts;
}

std::optional<std::vector<TextPart>> marked_parts(const common_chat_template& source, const common_json& input,
                                                  std::span<const TextPart> parts, const InputMarks& marks,
                                                  const TemplateOptions& options, bool add_generation_prompt) {
  common_json marked = marked_json(input, {marks.spare_reasoning, false});
  if (marks.at_ends) {
    common_json& last = marked["messages"][marked["messages"].size() - 1];
    last = marked_message(input.at("messages")[input.at("messages").size() - 1], marks);
  }
  try {
    return take_marks(parts, joined(run(source, marked, options, add_generation_prompt)));
  } catch (const std::exception&) {
    return std::nullopt;  // the template has looked at a marked word
  }
}

std::vector<TextPart> rendered(const common_chat_template& source, const common_json& input,
                               const TemplateOptions& options, bool add_generation_prompt, bool all_words) {
  std::vector<TextPart> parts = run(source, input, options, add_generation_prompt);
  std::vector<std::string> texts;
  add_texts(input, texts);
  if (!all_words && all_marked(parts, texts)) {
    return parts;
  }
  for (const bool at_ends : {true, false}) {
    for (const bool spare_reasoning : {false, true}) {
      if (at_ends && !all_words) {
        continue;
      }
      if (auto marked =
              marked_parts(source, input, parts, {spare_reasoning, at_ends}, options, add_generation_prompt)) {
        return *marked;
      }
    }
  }
  return with_texts_marked(std::move(parts), texts);
}

}  // namespace

TemplateRenderer::TemplateRenderer(const std::string& source, const std::string& bos_text, const std::string& eos_text)
    : template_(std::make_unique<common_chat_template>(source, bos_text, eos_text)) {
  const auto written_for = [&](const std::string& type) {
    return learn_medium_text(
        [&](const common_json& content) {
          common_json message;
          message["role"] = "user";
          message["content"] = content;
          common_json input;
          input["messages"] = common_json::array();
          input["messages"].push_back(std::move(message));
          return joined(run(*template_, input, {}, true));
        },
        type);
  };
  image_text_ = written_for("image");
  audio_text_ = written_for("audio");
}

TemplateRenderer::~TemplateRenderer() = default;

std::string TemplateRenderer::source() const { return template_->source(); }

std::vector<TextPart> TemplateRenderer::render(const std::vector<Message>& messages, const TemplateOptions& options,
                                               bool add_generation_prompt, bool all_words) const {
  const auto& takes = template_->caps;
  common_json input = template_input(
      messages, options,
      {takes.supports_string_content, takes.supports_object_arguments, !image_text_.empty(), !audio_text_.empty()});
  std::vector<std::string> media;
  for (const Message& message : messages) {
    for (const PlacedMedium& placed : message.media) {
      const std::string& written = placed.medium->kind == MediumKind::kImage ? image_text_ : audio_text_;
      media.push_back(written.empty() ? std::string(kMediumText) : written);
    }
  }
  while (true) {
    try {
      return with_media(rendered(*template_, input, options, add_generation_prompt, all_words), media);
    } catch (const InvalidInput&) {
      throw;
    } catch (const std::exception& error) {
      if (!fill_contents(input["messages"])) {
        throw InvalidInput(std::string("[chat template] the template refuses these messages: ") + error.what());
      }
    }
  }
}

}  // namespace endorm
