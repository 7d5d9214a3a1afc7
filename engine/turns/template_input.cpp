#include <algorithm>
#include <cstddef>
#include <utility>

#include <chat.h>

#include "core/errors.h"
#include "engine/turns/input_marks.h"

namespace endorm {
namespace {

// Templates read reasoning by two names, whichever it came under: as transformers' _alias_reasoning_fields.
void name_reasoning(common_json& message) {
  for (const char* name : kReasoningFields) {
    if (message.contains(name)) {
      const common_json reasoning = message[name];
      if (!message.contains("thinking")) {
        message["thinking"] = reasoning;
      }
      message["reasoning_content"] = reasoning;
      return;
    }
  }
}

// The text of a JSON value as Python's json.dumps and templates' tojson write it.
std::string python_json(const common_json& value) {
  common_json held;
  held["value"] = value;
  jinja::context context;
  jinja::global_from_json(context, held, false);
  return jinja::value_to_json(context.get_val("value"), -1, ", ", ": ");
}

// Arguments of tool calls as a template takes them: objects, or the text of one.
void set_arguments(common_json& message, bool as_objects) {
  if (!message.contains("tool_calls") || !message["tool_calls"].is_array()) {
    return;
  }
  for (auto& call : message["tool_calls"]) {
    if (!call.is_object() || !call.contains("function") || !call["function"].is_object() ||
        !call["function"].contains("arguments")) {
      continue;
    }
    common_json& arguments = call["function"]["arguments"];
    if (as_objects && arguments.is_string()) {
      common_json object = common_json::parse_no_throw(arguments.get<std::string>());
      if (object.is_object()) {
        arguments = std::move(object);
      }
    } else if (!as_objects && arguments.is_object()) {
      arguments = common_json::make(python_json(arguments));
    }
  }
}

// The content of a message with media, as a list of parts or as a text with marks in it.
common_json content_json(const Message& message, const TemplateTakes& takes) {
  common_json list = common_json::array();
  std::string text;
  const auto add_text = [&] {
    if (!text.empty()) {
      common_json part;
      part["type"] = "text";
      part["text"] = std::exchange(text, {});
      list.push_back(std::move(part));
    }
  };
  auto medium = message.media.begin();
  for (const TextPart& part : content_parts(message, TextPart::Kind::kInput)) {
    if (part.kind != TextPart::Kind::kMedium) {
      text += part.text;
      continue;
    }
    const bool is_image = (medium++)->medium->kind == MediumKind::kImage;
    if (!(is_image ? takes.image_parts : takes.audio_parts)) {
      text += part.text;
      continue;
    }
    add_text();
    common_json typed;
    typed["type"] = is_image ? "image" : "audio";
    list.push_back(std::move(typed));
  }
  if (list.empty() && takes.string_content) {
    return common_json(text);
  }
  add_text();
  return list;
}

common_json message_json(const Message& message, const TemplateTakes& takes) {
  common_json entry;
  entry["role"] = message.role;
  if (!message.media.empty()) {
    entry["content"] = content_json(message, takes);
  } else if (takes.string_content) {
    entry["content"] = message.content;
  } else {
    common_json part;
    part["type"] = "text";
    part["text"] = message.content;
    common_json content = common_json::array();
    content.push_back(std::move(part));
    entry["content"] = std::move(content);
  }
  if (!message.fields.empty()) {
    const common_json fields = common_json::parse(message.fields);
    for (const auto& [name, value] : fields.items()) {
      if (value.is_null()) {
        entry.erase(name);
      } else {
        entry[name] = value;
      }
    }
    name_reasoning(entry);
    set_arguments(entry, takes.object_arguments);
  }
  return entry;
}

}  // namespace

common_json template_input(const std::vector<Message>& messages, const TemplateOptions& options,
                           const TemplateTakes& takes) {
  common_json list = common_json::array();
  for (const Message& message : messages) {
    list.push_back(message_json(message, takes));
  }
  common_json input;
  input["messages"] = std::move(list);
  if (!options.arguments.empty()) {
    const common_json arguments = common_json::parse(options.arguments);
    for (const auto& [name, value] : arguments.items()) {
      if (name == "messages" || name == "add_generation_prompt") {
        throw InvalidInput("[chat template] \"" + name +
                           "\" is among the arguments of the chat template, but it is set " +
                           "for every turn. Leave it out of \"chat_template_kwargs\" and --template-kwargs.");
      }
      input[name] = value;
    }
  }
  return input;
}

bool fill_contents(common_json& messages) {
  bool filled = false;
  for (common_json& message : messages) {
    if (!message.contains("content")) {
      message["content"] = "";
      filled = true;
    }
  }
  return filled;
}

void add_texts(const common_json& value, std::vector<std::string>& texts) {
  if (value.is_string()) {
    texts.push_back(value.get<std::string>());
    if (const std::string quoted = value.dump_safe(); quoted.size() != texts.back().size() + 2) {
      texts.push_back(quoted.substr(1, quoted.size() - 2));  // as it stands in JSON
    }
  } else if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      texts.push_back(name);
      add_texts(member, texts);
    }
  } else if (value.is_array()) {
    for (const common_json& element : value) {
      add_texts(element, texts);
    }
  }
}

common_json marked_json(const common_json& value, const InputMarks& marks) {
  if (value.is_string()) {
    return with_marks(value.get<std::string>(), marks);
  }
  if (value.is_object()) {
    common_json object = common_json::object();
    for (const auto& [name, member] : value.items()) {
      // Templates check the lengths of ids.
      const bool is_id = (name == "id" || name == "tool_call_id") && member.is_string();
      object[with_marks(name, {marks.spare_reasoning, false})] = is_id ? member : marked_json(member, marks);
    }
    return object;
  }
  if (value.is_array()) {
    common_json array = common_json::array();
    for (const common_json& element : value) {
      array.push_back(marked_json(element, marks));
    }
    return array;
  }
  return value;
}

common_json marked_message(const common_json& message, const InputMarks& marks) {
  common_json marked = marked_json(message, {marks.spare_reasoning, false});
  const auto mark = [&](const char* name) {
    if (message.contains(name)) {
      marked[name] = marked_json(message.at(name), marks);
    }
  };
  mark("content");
  std::for_each(kReasoningFields.begin(), kReasoningFields.end(), mark);
  if (message.contains("tool_calls") && message.at("tool_calls").is_array()) {
    for (std::size_t i = 0; i < message.at("tool_calls").size(); ++i) {
      const common_json& call = message.at("tool_calls")[i];
      if (call.is_object() && call.contains("function") && call.at("function").is_object() &&
          call.at("function").contains("arguments")) {
        marked["tool_calls"][i]["function"]["arguments"] = marked_json(call.at("function").at("arguments"), marks);
      }
    }
  }
  return marked;
}

}  // namespace endorm
