#include "score/record_layout.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/trimmed.h"
#include "score/layout_pair.h"
#include "score/layout_turns.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::initializer_list<const char*>;

bool has(const Json& row, const char* name) {
  const auto field = row.find(name);
  return field != row.end() && !field->is_null();
}

bool has_any(const Json& row, Names names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return has(row, name); });
}

Json taken(Json& row, const std::string& name) {
  Json value = std::move(row.at(name));
  row.erase(name);
  return value;
}

constexpr Names kPrompts = {"prompt", "question", "messages", "prompt_ids"};
constexpr Names kOneResponse = {"response", "responses", "response_ids", "steps"};

// What a list of candidates holds, each as an object of a data set with more beside: its text.
std::optional<std::string> text_of(const Json& candidate) {
  for (const char* name : {"response", "answer", "output", "completion", "generation", "content"}) {
    if (candidate.is_object() && !candidate.contains("role") && has(candidate, name) &&
        candidate.at(name).is_string()) {
      return candidate.at(name).get<std::string>();
    }
  }
  return std::nullopt;
}

bool ends_with_answer(const Json& messages) {
  return is_turns(messages) && messages.back().value("role", Json()) == "assistant";
}

// a", "b", "c: what stands between the quotes of a message.
std::string quoted_rest(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : "\", \"") + name;
  }
  return text;
}

// TRL's steps of one answer, each with its label.
bool are_labelled_steps(const Json& steps, const Json& labels) {
  return is_texts(steps) && labels.is_array() && labels.size() == steps.size() &&
         std::all_of(labels.begin(), labels.end(), [](const Json& label) { return label.is_boolean(); });
}

class Layout {
 public:
  explicit Layout(Json& row) : row_(row) {}

  std::vector<RenamedField> read() {
    read_turns();
    read_system();
    read_rejected();
    if (!has_response()) {
      read_responses();
    }
    if (!has_any(row_, kPrompts)) {
      read_prompt();
    }
    read_short_prompt();
    read_history();
    read_transcript();
    read_pair_of_conversations();
    read_messages_as_prompt();
    return std::move(renamed_);
  }

 private:
  // ms-swift's pairs.
  void read_rejected() {
    if (has(row_, "response") && has(row_, "rejected_response") && !has(row_, "chosen") && !has(row_, "rejected")) {
      rename("chosen", "response");
      rename("rejected", "rejected_response");
    }
  }

  bool has_response() const {
    return has_any(row_, kOneResponse) || has(row_, "chosen") ||
           (has(row_, "messages") && ends_with_answer(row_.at("messages")));
  }

  void put(const char* field, Json value, std::string found) {
    row_[field] = std::move(value);
    renamed_.push_back({field, std::move(found)});
  }
  void rename(const char* field, const std::string& found) { put(field, taken(row_, found), found); }

  // Turns by the names of ShareGPT, wherever turns may stand, and a conversation that has a name of its own.
  void read_turns() {
    for (const char* name : {"conversations", "conversation", "messages", "prompt", "chosen", "rejected"}) {
      if (has(row_, name) && renames_turns(row_.at(name))) {
        row_[name] = turns_as_messages(row_.at(name), name);
      }
    }
    for (const char* name : {"conversations", "conversation"}) {
      if (has(row_, name) && !has_any(row_, kPrompts) && is_turns(row_.at(name))) {
        const bool is_whole = !has_any(row_, kOneResponse) && !has(row_, "chosen");
        rename(is_whole ? "messages" : "prompt", name);
      }
    }
  }

  void read_system() {
    for (const char* name : {"system_prompt", "system_message"}) {
      if (has(row_, name) && !has(row_, "system") && row_.at(name).is_string()) {
        if (row_.at(name).get_ref<const std::string&>().empty()) {
          row_.erase(name);  // a table's way to say that there is none
        } else {
          rename("system", name);
        }
      }
    }
  }

  void read_responses() {
    if (const std::optional<LayoutPair> pair = find_layout_pair(row_)) {
      read_layout_pair(*pair);
      return;
    }
    if (has(row_, "completions") && has(row_, "labels") &&
        are_labelled_steps(row_.at("completions"), row_.at("labels"))) {
      rename("steps", "completions");
      return;
    }
    for (const char* name : {"completions", "samples", "candidates", "generations", "outputs", "answers"}) {
      if (has(row_, name) && row_.at(name).is_array() && !row_.at(name).empty()) {
        rename("responses", name);
        for (Json& candidate : row_.at("responses")) {
          if (std::optional<std::string> text = text_of(candidate)) {
            candidate = std::move(*text);
          }
        }
        return;
      }
    }
    for (const char* name : {"completion", "output", "generation"}) {
      if (has(row_, name) && (row_.at(name).is_string() || row_.at(name).is_array())) {
        rename("response", name);
        return;
      }
    }
  }

  void read_layout_pair(const LayoutPair& pair) {
    if (pair.preferred) {
      rename("chosen", pair.names[*pair.preferred]);
      rename("rejected", pair.names[1 - *pair.preferred]);
      return;
    }
    Json responses = Json::array();
    for (const std::string& name : pair.names) {
      responses.push_back(taken(row_, name));
    }
    const Json first = responses.front();
    const bool share_prompt =
        !has_any(row_, kPrompts) && std::all_of(responses.begin(), responses.end(), [&](const Json& one) {
          return is_turns(one) && one.size() > 1 &&
                 std::equal(one.begin(), one.end() - 1, first.begin(), first.end() - 1);
        });
    if (share_prompt) {
      for (Json& response : responses) {
        response = Json(response.back());
      }
      put("prompt", Json(first.begin(), first.end() - 1), pair.names.front());
    }
    put("responses", std::move(responses), quoted_rest(pair.names));
  }

  void read_prompt() {
    for (const char* name : {"instruction", "query", "problem", "post", "history", "context"}) {
      if (!has(row_, name) || !(row_.at(name).is_string() || is_turns(row_.at(name)))) {
        continue;
      }
      rename("prompt", name);
      if (std::string_view(name) == "instruction") {
        add_input();
      }
      return;
    }
  }

  // Alpaca's instruction with its input, and the turns before them; Dolly calls the input context.
  void add_input() {
    if (!row_.at("prompt").is_string()) {
      return;
    }
    std::string prompt = row_.at("prompt").get<std::string>();
    for (const char* name : {"input", "context"}) {
      if (row_.contains(name) && (row_.at(name).is_string() || row_.at(name).is_null())) {
        const Json input = taken(row_, name);
        const std::string text = input.is_null() ? "" : input.get<std::string>();
        prompt += (prompt.empty() || text.empty() ? "" : "\n\n") + text;
        break;
      }
    }
    row_["prompt"] = std::move(prompt);
  }

  // Exchanges before a prompt that is a text.
  void read_history() {
    for (const char* name : {"prompt", "question"}) {
      if (has(row_, name) && row_.at(name).is_string() && has(row_, "history") && is_exchanges(row_.at("history"))) {
        Json turns = exchanges_as_messages(taken(row_, "history"));
        if (!turns.empty()) {
          turns.push_back({{"role", "user"}, {"content", taken(row_, name)}});
          put("prompt", std::move(turns), name);
        }
        return;
      }
    }
  }

  // A prompt that is a transcript up to the answer's turn.
  void read_transcript() {
    if (has(row_, "prompt") && is_open_transcript(row_.at("prompt"))) {
      Json turns = transcript_as_messages(row_.at("prompt").get<std::string>());
      turns.erase(turns.end() - 1);
      row_["prompt"] = std::move(turns);
    }
  }

  // Pairs whose sides are transcripts, lists of texts, or conversations beside which one of them stands again.
  void read_pair_of_conversations() {
    if (!has(row_, "chosen") || !has(row_, "rejected")) {
      return;
    }
    Json& chosen = row_.at("chosen");
    Json& rejected = row_.at("rejected");
    if (is_transcript(chosen) && is_transcript(rejected)) {
      Json first = transcript_as_messages(chosen.get<std::string>());
      if (!has_any(row_, kPrompts) || begins_with_prompt(first)) {
        chosen = std::move(first);
        rejected = transcript_as_messages(rejected.get<std::string>());
      }
    } else if (is_texts(chosen) && is_texts(rejected) && !has(row_, "responses")) {
      const bool is_pair = chosen.size() == 1 && rejected.size() == 1;
      Json first = taken(row_, "chosen");
      Json second = taken(row_, "rejected");
      if (is_pair) {
        row_["chosen"] = first[0];
        row_["rejected"] = second[0];
      } else {
        first.insert(first.end(), second.begin(), second.end());
        put("responses", std::move(first), "chosen\", \"rejected");
      }
    }
    if (has(row_, "messages") && has(row_, "chosen")) {
      if (row_.at("messages") == row_.at("chosen") || row_.at("messages") == row_.at("rejected")) {
        row_.erase("messages");
      }
    }
  }

  // Messages to which the answers stand beside.
  void read_messages_as_prompt() {
    const bool is_prompt = has_any(row_, kOneResponse) || has(row_, "chosen");
    if (is_prompt && has(row_, "messages") && !ends_with_answer(row_.at("messages")) &&
        !has_any(row_, {"prompt", "question", "prompt_ids"})) {
      rename("prompt", "messages");
    }
  }

  // Whether a conversation has the prompt before its last turn.
  bool begins_with_prompt(const Json& conversation) const {
    if (!has(row_, "prompt") || conversation.empty()) {
      return false;
    }
    const Json& prompt = row_.at("prompt");
    const Json before(conversation.begin(), conversation.end() - 1);
    return prompt.is_string()
               ? before == Json::array({{{"role", "user"},
                                         {"content", std::string(trimmed(prompt.get_ref<const std::string&>()))}}})
               : before == prompt;
  }

  // A prompt that is a list of one text.
  void read_short_prompt() {
    if (has(row_, "prompt") && is_texts(row_.at("prompt")) && row_.at("prompt").size() == 1) {
      row_["prompt"] = Json(row_.at("prompt")[0]);
    }
  }

  Json& row_;
  std::vector<RenamedField> renamed_;
};

}  // namespace

std::vector<RenamedField> read_layout(Json& row) { return Layout(row).read(); }

}  // namespace endorm
