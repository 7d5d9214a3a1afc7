#include "score/record.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/nearest.h"
#include "engine/content_hash.h"
#include "score/json_check.h"
#include "score/json_field.h"
#include "score/message_reader.h"
#include "score/record_layout.h"
#include "score/response_reader.h"
#include "score/token_reader.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;  // templates write tools in the order that they were given in

constexpr auto kFields =
    std::to_array<std::string_view>({"id", "system", "prompt", "question", "messages", "response", "responses",
                                     "chosen", "rejected", "steps", "tools", "truncated", "alternatives", "prompt_ids",
                                     "response_ids", "response_mask", "chat_template_kwargs", "score_turns"});

// What a record has that lacks one of the fields `wanted`, and which of it may be meant.
std::string fields_of(const JsonField& record, std::initializer_list<const char*> wanted) {
  std::vector<std::string> names;
  for (const auto& [name, value] : record.value().items()) {
    names.push_back(name);
  }
  std::string text = listed_fields(names);
  for (const char* field : wanted) {
    const std::optional<std::string> meant = nearest(field, names);
    if (meant && *meant != field) {  // itself, where it is null
      return text + " Is \"" + excerpt(*meant) + "\" meant to be \"" + field + "\"? Map it with --map.";
    }
  }
  return text;
}

// One record on its way from JSON to Request.
class RecordReader {
 public:
  RecordReader(const JsonField& record, const RecordReading& reading) : record_(record), reading_(reading) {
    reading_.truncated_is_given = record.has("truncated");
  }

  void read(Request& request) const {
    record_.note_unknown(kFields, "", reading_.unknown_fields);
    request.columns = columns();
    const std::string source = response_source();
    read_prompt(request, source);
    request.template_arguments = template_arguments();
    read_responses(request, source);
    if (!request.prompt_ids && !has_media(request.messages) &&
        std::all_of(request.messages.begin(), request.messages.end(),
                    [](const Message& message) { return message.content.empty(); })) {
      throw InvalidInput("the prompt is empty. Give \"prompt\" as a string that is not empty or as messages.");
    }
    add_system(request);
    if (const std::optional<JsonField> alternatives = record_.find("alternatives")) {
      request.alternatives = alternatives->texts();
    }
    read_truncated(request.responses);
    if (const std::optional<JsonField> turns = record_.find("score_turns")) {
      if (!turns->value().is_number_unsigned() || turns->count() == 0) {
        throw InvalidInput("\"score_turns\" is " + excerpt(turns->value().dump()) +
                           ", expected a whole number from 1.");
      }
      request.scored_turns = turns->count();
    }
  }

 private:
  // The one of `fields` that is there; "" where none is. Throws where two are.
  std::string only_one_of(std::initializer_list<const char*> fields) const {
    std::string found;
    for (const char* field : fields) {
      if (record_.has(field)) {
        if (!found.empty()) {
          throw InvalidInput("both \"" + found + "\" and \"" + field + "\" are given. Keep one of them.");
        }
        found = field;
      }
    }
    return found;
  }

  // What is neither read nor the record's id.
  std::shared_ptr<const Json> columns() const {
    Json others = Json::object();
    for (const auto& [name, value] : record_.value().items()) {
      if (std::find(kFields.begin(), kFields.end(), name) == kFields.end()) {
        others[name] = value;
      }
    }
    return others.empty() ? nullptr : std::make_shared<const Json>(std::move(others));
  }

  std::string response_source() const {
    std::string source = only_one_of({"response", "responses", "response_ids", "chosen", "steps", "messages"});
    if (record_.has("response_mask") && source != "response_ids") {
      throw InvalidInput("\"response_mask\" is given without \"response_ids\": it says which of those are context.");
    }
    if (record_.has("rejected") && source != "chosen") {
      throw InvalidInput(source.empty() ? "\"rejected\" is given without \"chosen\". Give both."
                                        : "both \"" + source + "\" and \"rejected\" are given. Keep one of them.");
    }
    if (source == "chosen" && !record_.has("rejected")) {
      throw InvalidInput("\"chosen\" is given without \"rejected\". Give both, or call it \"response\".");
    }
    if (source.empty()) {
      throw InvalidInput(
          "no response: none of \"response\", \"responses\", \"response_ids\", \"chosen\" with \"rejected\", \"steps\" "
          "or \"messages\" is given. " +
          fields_of(record_, {"response", "responses", "chosen", "steps", "messages"}));
    }
    return source;
  }

  void read_prompt(Request& request, const std::string& source) const {
    const std::string name = only_one_of({"prompt", "question", "messages", "prompt_ids"});
    if (name.empty() && source == "chosen" && record_.at("chosen").is_list()) {
      return;  // the conversations carry it
    }
    if (name.empty()) {
      throw InvalidInput("no prompt: none of \"prompt\", \"question\" or \"messages\" is given. " +
                         fields_of(record_, {"prompt", "question", "messages"}));
    }
    const JsonField field = record_.at(name);
    if (name == "prompt_ids") {
      request.prompt_ids = read_token_ids(field, reading_.given);
    } else if (name == "messages" || (name == "prompt" && field.is_list())) {
      request.messages = read_messages(field, reading_.unknown_fields);
    } else if (!field.is_text()) {
      field.wrong_type(name == "prompt" ? "a string or a list of messages" : "a string");
    } else if (field.text().empty()) {
      throw InvalidInput("\"" + name + "\" is empty. Give the text that the response answers.");
    } else {
      request.messages.push_back({"user", field.text()});
    }
  }

  void read_responses(Request& request, const std::string& source) const {
    std::vector<RequestResponse>& responses = request.responses;
    const JsonField field = record_.at(source);
    if (source == "chosen") {
      read_pair(request);
    } else if (source == "messages") {
      responses.push_back(take_answer(request.messages, source));
    } else if (source == "responses") {
      for (const JsonField& response : field.filled_list("a list of strings")) {
        responses.push_back(read_response(response, reading_));
      }
    } else if (source == "response_ids") {
      responses = read_response_ids(field, record_.find("response_mask"), reading_.given);
    } else if (source == "steps") {
      responses.push_back(join_steps(field, reading_.step_separator));
    } else {
      responses.push_back(read_response(field, reading_));
    }
  }

  // "tools" and "chat_template_kwargs", what a template reads beside the messages, as one object; "" where it is empty.
  std::string template_arguments() const {
    Json arguments = Json::object();
    if (const std::optional<JsonField> given = record_.find("chat_template_kwargs")) {
      arguments = given->object().value();
    }
    if (const std::optional<JsonField> given = record_.find("tools")) {
      Json tools = given->value();
      if (given->is_text()) {  // tables hold lists as text
        check_json(given->text());
        tools = Json::parse(given->text());
      }
      for (const JsonField& tool : JsonField(tools, "tools").list()) {
        tool.object();
      }
      if (!tools.empty()) {
        arguments["tools"] = std::move(tools);
      }
    }
    return arguments.empty() ? std::string() : arguments.dump();
  }

  void add_system(Request& request) const {
    const std::optional<JsonField> system = record_.find("system");
    if (!system) {
      return;
    }
    std::vector<Message>& messages = request.messages;
    if (request.prompt_ids) {
      throw InvalidInput("\"system\" stands beside \"prompt_ids\", which hold the whole prompt. Leave it out.");
    }
    if (!messages.empty() && messages.front().role == "system") {
      throw InvalidInput("both \"system\" and a system message in the prompt are given. Keep one of them.");
    }
    messages.insert(messages.begin(), Message{"system", system->text()});
  }

  // Strings, or conversations: with an explicit prompt, or beginning with the prompt that both share.
  void read_pair(Request& request) const {
    request.chosen_first = true;
    const JsonField chosen = record_.at("chosen");
    const JsonField rejected = record_.at("rejected");
    if (chosen.value().type() != rejected.value().type()) {
      rejected.wrong_type(std::string("a JSON ") + chosen.value().type_name() + " as \"chosen\" is");
    }
    const bool has_prompt = record_.has("prompt") || record_.has("question");
    bool prompt_known = has_prompt;
    for (const JsonField& field : {chosen, rejected}) {
      if (!field.is_list()) {
        request.responses.emplace_back().text.text = field.text();
        continue;
      }
      std::vector<Message> conversation = read_messages(field, reading_.unknown_fields);
      request.responses.push_back(take_answer(conversation, field.name()));
      if (!std::exchange(prompt_known, true)) {
        request.messages = std::move(conversation);
      } else if (conversation != request.messages && !(conversation.empty() && has_prompt)) {
        throw InvalidInput("\"" + field.name() + "\" differs from " + (has_prompt ? "the prompt" : "\"chosen\"") +
                           " before its last turn: the responses do not share one prompt. Give pairs that differ in "
                           "the last turn alone.");
      }
    }
  }

  void read_truncated(std::vector<RequestResponse>& responses) const {
    const std::optional<JsonField> truncated = record_.find("truncated");
    if (!truncated) {
      return;
    }
    if (!truncated->is_list()) {
      for (RequestResponse& response : responses) {
        response.text.truncated = truncated->truth();
      }
      return;
    }
    const std::vector<JsonField> each = truncated->list();
    if (each.size() != responses.size()) {
      throw InvalidInput("\"truncated\" has " + std::to_string(each.size()) + " entries for " +
                         std::to_string(responses.size()) +
                         " responses. Give one for each, or a single true or false.");
    }
    for (std::size_t i = 0; i < responses.size(); ++i) {
      responses[i].text.truncated = each[i].truth();
    }
  }

  const JsonField& record_;
  RecordReading reading_;
};

// none where the record has no id; throws where it is neither a string nor an integer.
std::optional<std::string> id_of(const JsonField& record) {
  const std::optional<JsonField> id = record.find("id");
  return id ? std::optional(id->text_or_integer()) : std::nullopt;
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

Request request_of(Json row, std::string key, std::size_t line_number, const RecordReading& reading) {
  Request request;
  request.line = line_number;
  request.key = std::move(key);
  const std::vector<RenamedField> renamed = read_layout(row);
  const JsonField record(row);
  try {
    request.id = id_of(record).value_or(std::to_string(line_number));
    RecordReader(record, reading).read(request);
  } catch (const InvalidInput& error) {
    std::string origins;
    for (const RenamedField& one : renamed) {
      origins += " (\"" + one.field + "\" is \"" + one.found + "\" of the row.)";
    }
    throw InvalidInput(error.what() + origins);
  }
  return request;
}

// What `read` gives; what it refuses is told with the record's line.
template <typename Read>
Request named(std::size_t line_number, const Read& read) {
  try {
    return read();
  } catch (const InvalidInput& error) {
    throw InvalidInput("line " + std::to_string(line_number) + ": " + error.what());
  }
}

}  // namespace

std::span<const std::string_view> record_fields() { return kFields; }

Request parse_request(std::string_view line, std::size_t line_number, std::string_view step_separator,
                      std::vector<std::string>& unknown_fields, std::span<const GivenList> given) {
  return named(line_number, [&] {
    return request_of(parse_object(line), given.empty() ? record_key(line) : key_with(line, given), line_number,
                      {step_separator, given, unknown_fields});
  });
}

Request read_request(Json record, std::size_t line_number, std::string_view step_separator,
                     std::vector<std::string>& unknown_fields) {
  return named(line_number, [&] {
    JsonField(record).object("a record {\"prompt\", \"response\"}");
    std::string key = record_key(record.dump());
    return request_of(std::move(record), std::move(key), line_number, {step_separator, {}, unknown_fields});
  });
}

std::optional<std::string> record_id(std::string_view line) {
  try {
    const Json object = parse_object(line);
    return id_of(JsonField(object));
  } catch (const InvalidInput&) {
    return std::nullopt;
  }
}

}  // namespace endorm
