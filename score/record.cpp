#include "score/record.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using nlohmann::json;

constexpr std::size_t kMostUnknownFields = 64;  // enough to warn with; bounds the work on a hostile line

constexpr std::array<std::string_view, 12> kFields = {"id",       "system",   "prompt",    "question",
                                                      "messages", "response", "responses", "chosen",
                                                      "rejected", "steps",    "truncated", "alternatives"};

json parse_object(std::string_view line) {
  check_json(line);
  json object = json::parse(line);
  if (!object.is_object()) {
    throw InvalidInput(std::string("the line is a JSON ") + object.type_name() +
                       ", not an object. Give {\"prompt\": ..., \"response\": ...}.");
  }
  return object;
}

[[noreturn]] void wrong_type(const std::string& field, const json& found, std::string_view wanted) {
  throw InvalidInput("\"" + field + "\" is a JSON " + found.type_name() + ", expected " + std::string(wanted) + ".");
}

const std::string& string_of(const json& value, const std::string& field) {
  if (!value.is_string()) {
    wrong_type(field, value, "a string");
  }
  return value.get_ref<const std::string&>();
}

bool bool_of(const json& value, const std::string& field) {
  if (!value.is_boolean()) {
    wrong_type(field, value, "true or false");
  }
  return value.get<bool>();
}

const json& list_of(const json& value, const std::string& field, std::string_view wanted) {
  if (!value.is_array()) {
    wrong_type(field, value, wanted);
  }
  if (value.empty()) {
    throw InvalidInput("\"" + field + "\" is an empty list, expected " + std::string(wanted) + ".");
  }
  return value;
}

std::string element(const std::string& field, std::size_t index) { return field + "[" + std::to_string(index) + "]"; }

// One record on its way from JSON to Request.
class RecordReader {
 public:
  RecordReader(const json& object, std::string_view step_separator, std::vector<std::string>& unknown_fields)
      : object_(object), step_separator_(step_separator), unknown_fields_(unknown_fields) {}

  void read(Request& request) {
    report_unknown(object_, kFields, "");
    const std::string source = response_source();
    read_prompt(request.messages, source);
    if (source == "chosen") {
      read_pair(request);
    } else if (source == "messages") {
      split_last_turn(request);
    } else if (source == "responses") {
      const json& list = list_of(object_["responses"], source, "a list of strings");
      for (std::size_t i = 0; i < list.size(); ++i) {
        request.responses.push_back(read_response(list[i], element(source, i)));
      }
    } else if (source == "steps") {
      request.responses.push_back(join_steps(object_["steps"], source));
    } else {
      request.responses.push_back(read_response(object_["response"], source));
    }
    if (std::all_of(request.messages.begin(), request.messages.end(),
                    [](const Message& message) { return message.content.empty(); })) {
      throw InvalidInput("the prompt is empty. Give \"prompt\" as a string that is not empty or as messages.");
    }
    add_system(request.messages);
    read_alternatives(request.alternatives);
    read_truncated(request.responses);
  }

 private:
  // A field whose value is null is absent: exports of tables write empty cells so.
  bool has(const char* field) const {
    const auto found = object_.find(field);
    return found != object_.end() && !found->is_null();
  }

  template <typename Known>
  void report_unknown(const json& object, const Known& known, const std::string& prefix) {
    for (const auto& [name, value] : object.items()) {
      const std::string field = prefix + name;
      if (std::find(known.begin(), known.end(), name) == known.end() && unknown_fields_.size() < kMostUnknownFields &&
          std::find(unknown_fields_.begin(), unknown_fields_.end(), field) == unknown_fields_.end()) {
        unknown_fields_.push_back(field);
      }
    }
  }

  // The one of `fields` that is there; "" where none is. Throws where two are.
  std::string only_one_of(std::initializer_list<const char*> fields) const {
    std::string found;
    for (const char* field : fields) {
      if (has(field)) {
        if (!found.empty()) {
          throw InvalidInput("both \"" + found + "\" and \"" + field + "\" are given. Keep one of them.");
        }
        found = field;
      }
    }
    return found;
  }

  std::string response_source() const {
    std::string source = only_one_of({"response", "responses", "chosen", "steps", "messages"});
    if (has("rejected") && source != "chosen") {
      throw InvalidInput(source.empty() ? "\"rejected\" is given without \"chosen\". Give both."
                                        : "both \"" + source + "\" and \"rejected\" are given. Keep one of them.");
    }
    if (source == "chosen" && !has("rejected")) {
      throw InvalidInput("\"chosen\" is given without \"rejected\". Give both, or call it \"response\".");
    }
    if (source.empty()) {
      throw InvalidInput(
          "no response: none of \"response\", \"responses\", \"chosen\" with \"rejected\", \"steps\" or \"messages\" "
          "is given.");
    }
    return source;
  }

  std::vector<Message> read_messages(const json& value, const std::string& field) {
    std::vector<Message> messages;
    const json& list = list_of(value, field, "a list of messages");
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string name = element(field, i);
      if (!list[i].is_object()) {
        wrong_type(name, list[i], "a message {\"role\", \"content\"}");
      }
      report_unknown(list[i], std::array{"role", "content"}, field + "[].");
      if (!list[i].contains("role") || !list[i].contains("content")) {
        throw InvalidInput("\"" + name + "\" has no \"" + (list[i].contains("role") ? "content" : "role") +
                           "\". A message is {\"role\": ..., \"content\": ...}.");
      }
      messages.push_back(
          {string_of(list[i]["role"], name + ".role"), read_content(list[i]["content"], name + ".content")});
    }
    return messages;
  }

  // A string, or parts of text in the form that OpenAI's chat interface uses.
  std::string read_content(const json& value, const std::string& field) const {
    if (value.is_string()) {
      return value.get<std::string>();
    }
    if (!value.is_array()) {
      wrong_type(field, value, "a string or a list of parts");
    }
    std::string content;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string name = element(field, i);
      if (!value[i].is_object() || !value[i].contains("type")) {
        wrong_type(name, value[i], "a part {\"type\": \"text\", \"text\": ...}");
      }
      const std::string& type = string_of(value[i]["type"], name + ".type");
      if (type != "text") {
        throw InvalidInput("\"" + name + "\" is a part of type \"" + excerpt(type) +
                           "\": images are not supported yet. Give parts of type \"text\".");
      }
      content += string_of(value[i].value("text", json()), name + ".text");
    }
    return content;
  }

  void read_prompt(std::vector<Message>& messages, const std::string& source) {
    const std::string field = only_one_of({"prompt", "question", "messages"});
    if (field.empty()) {
      if (source == "chosen" && object_["chosen"].is_array()) {
        return;  // the conversations carry it
      }
      throw InvalidInput("no prompt: none of \"prompt\", \"question\" or \"messages\" is given.");
    }
    const json& value = object_[field];
    if (field == "messages" || (field == "prompt" && value.is_array())) {
      messages = read_messages(value, field);
    } else if (!value.is_string()) {
      wrong_type(field, value, field == "prompt" ? "a string or a list of messages" : "a string");
    } else if (value.get_ref<const std::string&>().empty()) {
      throw InvalidInput("\"" + field + "\" is empty. Give the text that the response answers.");
    } else {
      messages.push_back({"user", value.get<std::string>()});
    }
  }

  void add_system(std::vector<Message>& messages) const {
    if (!has("system")) {
      return;
    }
    if (!messages.empty() && messages.front().role == "system") {
      throw InvalidInput("both \"system\" and a system message in the prompt are given. Keep one of them.");
    }
    messages.insert(messages.begin(), {"system", string_of(object_["system"], "system")});
  }

  void read_alternatives(std::vector<std::string>& alternatives) const {
    if (!has("alternatives")) {
      return;
    }
    const json& list = list_of(object_["alternatives"], "alternatives", "a list of strings");
    for (std::size_t i = 0; i < list.size(); ++i) {
      alternatives.push_back(string_of(list[i], element("alternatives", i)));
    }
  }

  RequestResponse join_steps(const json& value, const std::string& field) const {
    RequestResponse response;
    const json& list = list_of(value, field, "a list of strings");
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string& step = string_of(list[i], element(field, i));
      if (step.empty()) {
        throw InvalidInput("\"" + element(field, i) + "\" is empty: it has no tokens to score. Leave the step out.");
      }
      if (i > 0) {
        response.text.text += step_separator_;
      }
      response.step_begins.push_back(response.text.text.size());
      response.text.text += step;
    }
    return response;
  }

  // A string, or {"text" and/or "steps", "truncated"?}.
  RequestResponse read_response(const json& value, const std::string& field) {
    if (value.is_string()) {
      return whole(value.get<std::string>());
    }
    if (!value.is_object()) {
      wrong_type(field, value, "a string or an object {\"text\"}");
    }
    report_unknown(value, std::array{"text", "steps", "truncated"}, "responses[].");
    const bool has_text = value.contains("text");
    if (!has_text && !value.contains("steps")) {
      throw InvalidInput("\"" + field + "\" has neither \"text\" nor \"steps\". Give one of them.");
    }
    RequestResponse response;
    if (value.contains("steps")) {
      response = join_steps(value["steps"], field + ".steps");
      if (has_text && string_of(value["text"], field + ".text") != response.text.text) {
        throw InvalidInput("\"" + field + ".text\" is not its steps joined by the step separator. Give one of them.");
      }
    } else {
      response.text.text = string_of(value["text"], field + ".text");
    }
    if (value.contains("truncated")) {
      if (has("truncated")) {
        throw InvalidInput("both \"truncated\" and \"" + field + ".truncated\" are given. Keep one of them.");
      }
      response.text.truncated = bool_of(value["truncated"], field + ".truncated");
    }
    return response;
  }

  static RequestResponse whole(std::string text) {
    return {.text = {.text = std::move(text), .truncated = false}, .step_begins = {}};
  }

  // The last turn of a conversation, which must be the assistant's; it is removed.
  static std::string take_answer(std::vector<Message>& conversation, const std::string& field) {
    if (conversation.back().role != "assistant") {
      throw InvalidInput(
          "\"" + field + "\" ends with a turn of role \"" + excerpt(conversation.back().role) +
          "\", expected \"assistant\". To score a response of its own, give the messages as \"prompt\".");
    }
    std::string answer = std::move(conversation.back().content);
    conversation.pop_back();
    return answer;
  }

  static void split_last_turn(Request& request) {
    request.responses.push_back(whole(take_answer(request.messages, "messages")));
  }

  static bool same(const std::vector<Message>& first, const std::vector<Message>& second) {
    return std::equal(first.begin(), first.end(), second.begin(), second.end(),
                      [](const Message& a, const Message& b) { return a.role == b.role && a.content == b.content; });
  }

  // Strings, or conversations: with an explicit prompt, or beginning with the prompt that both share.
  void read_pair(Request& request) {
    request.chosen_first = true;
    if (object_["chosen"].type() != object_["rejected"].type()) {
      wrong_type("rejected", object_["rejected"],
                 std::string("a JSON ") + object_["chosen"].type_name() + " as \"chosen\" is");
    }
    bool prompt_known = has_prompt();
    for (const char* field : {"chosen", "rejected"}) {
      if (!object_[field].is_array()) {
        request.responses.push_back(whole(string_of(object_[field], field)));
        continue;
      }
      std::vector<Message> conversation = read_messages(object_[field], field);
      request.responses.push_back(whole(take_answer(conversation, field)));
      if (!std::exchange(prompt_known, true)) {
        request.messages = std::move(conversation);
      } else if (!same(conversation, request.messages) && !(conversation.empty() && has_prompt())) {
        throw InvalidInput(
            std::string("\"") + field + "\" differs from " + (has_prompt() ? "the prompt" : "\"chosen\"") +
            " before its last turn: the responses do not share one prompt. Give pairs that differ in the last "
            "turn alone.");
      }
    }
  }

  bool has_prompt() const { return has("prompt") || has("question"); }

  void read_truncated(std::vector<RequestResponse>& responses) const {
    if (!has("truncated")) {
      return;
    }
    const json& value = object_["truncated"];
    if (value.is_array() && value.size() != responses.size()) {
      throw InvalidInput("\"truncated\" has " + std::to_string(value.size()) + " entries for " +
                         std::to_string(responses.size()) +
                         " responses. Give one for each, or a single true or false.");
    }
    for (std::size_t i = 0; i < responses.size(); ++i) {
      responses[i].text.truncated =
          value.is_array() ? bool_of(value[i], element("truncated", i)) : bool_of(value, "truncated");
    }
  }

  const json& object_;
  std::string_view step_separator_;
  std::vector<std::string>& unknown_fields_;
};

// none where the record has no id; throws where it is neither a string nor an integer.
std::optional<std::string> id_of(const json& object) {
  const auto found = object.find("id");
  if (found == object.end() || found->is_null()) {
    return std::nullopt;
  }
  if (found->is_number_integer()) {
    return found->dump();
  }
  if (!found->is_string()) {
    wrong_type("id", *found, "a string or an integer");
  }
  return found->get<std::string>();
}

}  // namespace

Request parse_request(std::string_view line, std::size_t line_number, std::string_view step_separator,
                      std::vector<std::string>& unknown_fields) {
  try {
    const json object = parse_object(line);
    Request request;
    request.id = id_of(object).value_or(std::to_string(line_number));
    request.line = line_number;
    request.key = record_key(line);
    RecordReader(object, step_separator, unknown_fields).read(request);
    return request;
  } catch (const InvalidInput& error) {
    throw InvalidInput("[parse_request] line " + std::to_string(line_number) + ": " + error.what());
  }
}

std::optional<std::string> record_id(std::string_view line) {
  try {
    return id_of(parse_object(line));
  } catch (const InvalidInput&) {
    return std::nullopt;
  }
}

}  // namespace endorm
