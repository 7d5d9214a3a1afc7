#include "score/record.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "score/json_check.h"
#include "score/json_field.h"
#include "score/json_fields.h"
#include "score/message_reader.h"
#include "score/token_reader.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;  // templates write tools in the order that they were given in

constexpr std::array<std::string_view, 17> kFields = {"id",
                                                      "system",
                                                      "prompt",
                                                      "question",
                                                      "messages",
                                                      "response",
                                                      "responses",
                                                      "chosen",
                                                      "rejected",
                                                      "steps",
                                                      "tools",
                                                      "truncated",
                                                      "alternatives",
                                                      "prompt_ids",
                                                      "response_ids",
                                                      "response_mask",
                                                      "chat_template_kwargs"};
constexpr std::array<std::string_view, 5> kResponseFields = {"text", "steps", "truncated", "ids", "mask"};

// One record on its way from JSON to Request.
class RecordReader {
 public:
  RecordReader(const Json& object, std::string_view step_separator, std::vector<std::string>& unknown_fields,
               std::span<const GivenList> given)
      : object_(object), step_separator_(step_separator), unknown_fields_(unknown_fields), given_(given) {}

  void read(Request& request) {
    report_unknown(object_, kFields, "", unknown_fields_);
    const std::string source = response_source();
    read_prompt(request, source);
    read_template_arguments(request.template_arguments);
    if (source == "chosen") {
      read_pair(request);
    } else if (source == "messages") {
      split_last_turn(request);
    } else if (source == "responses") {
      const Json& list = list_of(object_["responses"], source, "a list of strings");
      for (std::size_t i = 0; i < list.size(); ++i) {
        request.responses.push_back(read_response(list[i], element(source, i)));
      }
    } else if (source == "response_ids") {
      request.responses =
          read_response_ids(object_[source], has("response_mask") ? &object_["response_mask"] : nullptr, given_);
    } else if (source == "steps") {
      request.responses.push_back(join_steps(object_["steps"], source));
    } else {
      request.responses.push_back(read_response(object_["response"], source));
    }
    if (!request.prompt_ids && std::all_of(request.messages.begin(), request.messages.end(),
                                           [](const Message& message) { return message.content.empty(); })) {
      throw InvalidInput("the prompt is empty. Give \"prompt\" as a string that is not empty or as messages.");
    }
    add_system(request);
    read_alternatives(request.alternatives);
    read_truncated(request.responses);
  }

 private:
  // A field whose value is null is absent: exports of tables write empty cells so.
  bool has(const char* field) const {
    const auto found = object_.find(field);
    return found != object_.end() && !found->is_null();
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
    std::string source = only_one_of({"response", "responses", "response_ids", "chosen", "steps", "messages"});
    if (has("response_mask") && source != "response_ids") {
      throw InvalidInput("\"response_mask\" is given without \"response_ids\": it says which of those are context.");
    }
    if (has("rejected") && source != "chosen") {
      throw InvalidInput(source.empty() ? "\"rejected\" is given without \"chosen\". Give both."
                                        : "both \"" + source + "\" and \"rejected\" are given. Keep one of them.");
    }
    if (source == "chosen" && !has("rejected")) {
      throw InvalidInput("\"chosen\" is given without \"rejected\". Give both, or call it \"response\".");
    }
    if (source.empty()) {
      throw InvalidInput(
          "no response: none of \"response\", \"responses\", \"response_ids\", \"chosen\" with \"rejected\", "
          "\"steps\" or \"messages\" is given.");
    }
    return source;
  }

  void read_prompt(Request& request, const std::string& source) {
    std::vector<Message>& messages = request.messages;
    const std::string field = only_one_of({"prompt", "question", "messages", "prompt_ids"});
    if (field == "prompt_ids") {
      request.prompt_ids = ids_of(object_[field], field, given_);
      return;
    }
    if (field.empty()) {
      if (source == "chosen" && object_["chosen"].is_array()) {
        return;  // the conversations carry it
      }
      throw InvalidInput("no prompt: none of \"prompt\", \"question\" or \"messages\" is given.");
    }
    const Json& value = object_[field];
    if (field == "messages" || (field == "prompt" && value.is_array())) {
      messages = read_messages(value, field, unknown_fields_);
    } else if (!value.is_string()) {
      wrong_type(field, value, field == "prompt" ? "a string or a list of messages" : "a string");
    } else if (value.get_ref<const std::string&>().empty()) {
      throw InvalidInput("\"" + field + "\" is empty. Give the text that the response answers.");
    } else {
      messages.push_back({"user", value.get<std::string>()});
    }
  }

  // "tools" and "chat_template_kwargs": what a template reads beside the messages.
  void read_template_arguments(std::string& arguments) const {
    Json object = Json::object();
    if (has("chat_template_kwargs")) {
      object = object_["chat_template_kwargs"];
      if (!object.is_object()) {
        wrong_type("chat_template_kwargs", object, "an object");
      }
    }
    if (has("tools")) {
      Json tools = object_["tools"];
      if (tools.is_string()) {  // tables hold lists as text
        const std::string text = tools.get<std::string>();
        check_json(text);
        tools = Json::parse(text);
      }
      check_objects(tools, "tools");
      if (!tools.empty()) {
        object["tools"] = std::move(tools);
      }
    }
    arguments = object.empty() ? std::string() : object.dump();
  }

  void add_system(Request& request) const {
    if (!has("system")) {
      return;
    }
    std::vector<Message>& messages = request.messages;
    if (request.prompt_ids) {
      throw InvalidInput("\"system\" stands beside \"prompt_ids\", which hold the whole prompt. Leave it out.");
    }
    if (!messages.empty() && messages.front().role == "system") {
      throw InvalidInput("both \"system\" and a system message in the prompt are given. Keep one of them.");
    }
    messages.insert(messages.begin(), Message{"system", string_of(object_["system"], "system")});
  }

  void read_alternatives(std::vector<std::string>& alternatives) const {
    if (!has("alternatives")) {
      return;
    }
    const Json& list = list_of(object_["alternatives"], "alternatives", "a list of strings");
    for (std::size_t i = 0; i < list.size(); ++i) {
      alternatives.push_back(string_of(list[i], element("alternatives", i)));
    }
  }

  RequestResponse join_steps(const Json& value, const std::string& field) const {
    RequestResponse response;
    const Json& list = list_of(value, field, "a list of strings");
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

  // A string, {"text" and/or "steps", "truncated"?}, {"ids", "mask"?}, a message of the assistant or a list of one.
  RequestResponse read_response(const Json& value, const std::string& field) {
    if (value.is_string()) {
      return whole(value.get<std::string>());
    }
    if (value.is_array() &&
        std::any_of(value.begin(), value.end(), [](const Json& each) { return each.is_object(); })) {
      std::vector<Message> turn = read_messages(value, field, unknown_fields_);
      if (turn.size() != 1) {
        throw InvalidInput("\"" + field + "\" is a list of " + std::to_string(turn.size()) +
                           " messages, expected one of the assistant. Give what precedes it in the prompt.");
      }
      return answer(take_answer(turn, field));
    }
    if (!value.is_object()) {
      wrong_type(field, value, "a string or an object {\"text\"}");
    }
    if (value.contains("role") || value.contains("content") || value.contains("tool_calls")) {
      std::vector<Message> turn{read_message(value, field, "responses[].", unknown_fields_)};
      return answer(take_answer(turn, field));
    }
    report_unknown(value, kResponseFields, "responses[].", unknown_fields_);
    if (value.contains("ids")) {
      RequestResponse response = read_tokens(
          value["ids"], field + ".ids", value.contains("mask") ? &value["mask"] : nullptr, field + ".mask", given_);
      if (value.contains("text") || value.contains("steps")) {
        response.refused = "\"" + field + "\" has \"ids\" beside its text. Keep one of them.";
      }
      return response;
    }
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
    RequestResponse response;
    response.text.text = std::move(text);
    return response;
  }

  static RequestResponse answer(Message message) {
    RequestResponse response = whole(std::move(message.content));
    response.text.fields = std::move(message.fields);
    return response;
  }

  // The last turn of a conversation, which must be the assistant's; it is removed.
  static Message take_answer(std::vector<Message>& conversation, const std::string& field) {
    if (conversation.back().role != "assistant") {
      throw InvalidInput(
          "\"" + field + "\" ends with a turn of role \"" + excerpt(conversation.back().role) +
          "\", expected \"assistant\". To score a response of its own, give the messages as \"prompt\".");
    }
    Message answer = std::move(conversation.back());
    conversation.pop_back();
    return answer;
  }

  static void split_last_turn(Request& request) {
    request.responses.push_back(answer(take_answer(request.messages, "messages")));
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
      std::vector<Message> conversation = read_messages(object_[field], field, unknown_fields_);
      request.responses.push_back(answer(take_answer(conversation, field)));
      if (!std::exchange(prompt_known, true)) {
        request.messages = std::move(conversation);
      } else if (conversation != request.messages && !(conversation.empty() && has_prompt())) {
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
    const Json& value = object_["truncated"];
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

  const Json& object_;
  std::string_view step_separator_;
  std::vector<std::string>& unknown_fields_;
  std::span<const GivenList> given_;
};

// none where the record has no id; throws where it is neither a string nor an integer.
std::optional<std::string> id_of(const Json& object) {
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

// The key of a line and the lists beside it.
std::string key_with(std::string_view line, std::span<const GivenList> given) {
  std::string content(line);
  for (const GivenList& list : given) {
    content += '\n';
    content.append(reinterpret_cast<const char*>(list.values.data()), list.values.size() * sizeof(Token));
    content += list.fault;
  }
  return record_key(content);
}

Request request_of(const Json& record, std::string key, std::size_t line_number, std::string_view step_separator,
                   std::vector<std::string>& unknown_fields, std::span<const GivenList> given) {
  Request request;
  request.id = id_of(record).value_or(std::to_string(line_number));
  request.line = line_number;
  request.key = std::move(key);
  RecordReader(record, step_separator, unknown_fields, given).read(request);
  return request;
}

// What `read` gives; what it refuses is told with the record's line.
template <typename Read>
Request named(std::size_t line_number, const Read& read) {
  try {
    return read();
  } catch (const InvalidInput& error) {
    throw InvalidInput("[parse_request] line " + std::to_string(line_number) + ": " + error.what());
  }
}

}  // namespace

Request parse_request(std::string_view line, std::size_t line_number, std::string_view step_separator,
                      std::vector<std::string>& unknown_fields, std::span<const GivenList> given) {
  return named(line_number, [&] {
    std::string key = given.empty() ? record_key(line) : key_with(line, given);
    return request_of(parse_object(line), std::move(key), line_number, step_separator, unknown_fields, given);
  });
}

Request read_request(const nlohmann::ordered_json& record, std::size_t line_number, std::string_view step_separator,
                     std::vector<std::string>& unknown_fields) {
  return named(line_number, [&] {
    return request_of(JsonField(record).object("a record {\"prompt\", \"response\"}").value(),
                      record_key(record.dump()), line_number, step_separator, unknown_fields, {});
  });
}

std::optional<std::string> record_id(std::string_view line) {
  try {
    return id_of(parse_object(line));
  } catch (const InvalidInput&) {
    return std::nullopt;
  }
}

}  // namespace endorm
