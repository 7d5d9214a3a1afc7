#pragma once

#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace endorm {

// Lines of a result file, as `endorm score` writes them.

inline nlohmann::json manifest_line(const std::string& model = "small.gguf") {
  return {{"manifest",
           {{"endorm", "0.1.0"},
            {"command", "score"},
            {"model", {{"name", model}, {"sha256", "ab12"}}},
            {"options", {{"aggregation", "discounted"}, {"gamma", 0.93}}},
            {"data", nullptr}}}};
}

// A scored response; with a text, its tokens are the text and the end of turn.
inline nlohmann::json response_of(double reward, std::size_t tokens = 2, const std::string& text = "") {
  nlohmann::json response{{"reward", reward},
                          {"log_prob", reward * static_cast<double>(tokens)},
                          {"mean", reward},
                          {"tokens", tokens},
                          {"finish", "end_of_turn"}};
  if (!text.empty()) {
    response["token_rewards"] = {{"id", {7, 2}}, {"text", {text, "<end>"}}, {"log_prob", {reward, reward}}};
  }
  return response;
}

inline nlohmann::json row_of(std::size_t line, const std::vector<nlohmann::json>& responses) {
  return {{"id", "r" + std::to_string(line)}, {"line", line}, {"key", "00"}, {"responses", responses}};
}

inline nlohmann::json pair_of(std::size_t line, double chosen, double rejected) {
  nlohmann::json row = row_of(line, {response_of(chosen), response_of(rejected)});
  row["chosen"] = 0;
  return row;
}

inline nlohmann::json failed_row(std::size_t line, const std::string& why) {
  return {{"line", line}, {"key", "00"}, {"error", {{"kind", "invalid_input"}, {"message", why}}}};
}

inline std::istringstream file_of(const std::vector<nlohmann::json>& lines) {
  std::string text;
  for (const nlohmann::json& line : lines) {
    text += line.dump() + "\n";
  }
  return std::istringstream(text);
}

}  // namespace endorm
