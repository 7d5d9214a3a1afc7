#include "eval/math_prompt.h"

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/read_whole_file.h"
#include "eval/row_reader.h"
#include "eval/row_texts.h"
#include "score/json_field.h"

namespace endorm {

std::vector<Message> math_messages(const MathPrompt& prompt, std::string_view question) {
  const bool instructed = !prompt.instruction.empty();
  std::vector<Message> messages;
  if (instructed && prompt.place == InstructionPlace::kSystem) {
    messages.push_back({"system", prompt.instruction});
  }
  const auto ask = [&](std::string_view text) {
    const bool behind = instructed && prompt.place == InstructionPlace::kUser;
    messages.push_back({"user", std::string(text) + (behind ? "\n" + prompt.instruction : "")});
  };
  for (const WorkedExample& shot : prompt.shots) {
    ask(shot.question);
    messages.push_back({"assistant", shot.answer});
  }
  ask(question);
  return messages;
}

std::string math_prompt_hash(const MathPrompt& prompt) {
  nlohmann::json fields = {prompt.instruction, prompt.place == InstructionPlace::kSystem, prompt.base};
  for (const WorkedExample& shot : prompt.shots) {
    fields.push_back({shot.question, shot.answer});
  }
  return hex(sha256(fields.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

std::vector<WorkedExample> read_worked_examples(const std::string& path) {
  const std::string bytes = read_whole_file("read_worked_examples", path);
  std::vector<WorkedExample> shots;
  std::size_t number = 0;
  try {
    for (const RowText& text : row_texts(bytes)) {
      number = text.number;
      const nlohmann::ordered_json object = parse_object(text.text);
      const JsonField row(object);
      shots.push_back({row.at("question").text(), row.at("answer").text_or_number()});
      check_example(make_example("", {{"user", shots.back().question}, {"assistant", shots.back().answer}}, {}));
    }
  } catch (const InvalidInput& error) {
    throw InvalidInput("[read_worked_examples] " + path + ", row " + std::to_string(number) + ": " + error.what());
  }
  if (shots.empty()) {
    throw InvalidInput("[read_worked_examples] " + path + " is empty. Give rows of {\"question\", \"answer\"}.");
  }
  return shots;
}

}  // namespace endorm
