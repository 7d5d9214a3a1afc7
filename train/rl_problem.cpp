#include "train/rl_problem.h"

#include <filesystem>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "score/json_field.h"
#include "score/line_reader.h"
#include "score/record.h"
#include "score/request_tokens.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

// The messages of a row, read as those of a record are: its responses give way to one that is never used.
Request request_of(json row, std::size_t line) {
  if (row.contains("messages") && !row.contains("prompt")) {
    json messages = std::move(row["messages"]);
    if (messages.is_array() && !messages.empty() && messages.back().is_object() &&
        messages.back().value("role", json()) == "assistant") {
      messages.erase(messages.end() - 1);
    }
    row["prompt"] = std::move(messages);
  }
  for (const char* field : {"messages", "answer", "responses", "response_ids", "response_mask", "chosen", "rejected",
                            "steps", "truncated", "alternatives"}) {
    row.erase(field);
  }
  row["response"] = "";
  std::vector<std::string> unknown;
  return parse_request(row.dump(), line, "\n\n", unknown);
}

RlProblem problem_of(const InputLine& line, const Engine& engine, const TemplateOptions& text,
                     std::size_t max_prompt_tokens, bool needs_answer) {
  const json row = parse_object(line.text);
  RlProblem problem;
  if (const std::optional<JsonField> answer = JsonField(row).find("answer")) {
    problem.answer = answer->text_or_number();
  }
  if (needs_answer && problem.answer.empty()) {
    throw InvalidInput("it has no \"answer\", which a reward or the held-out accuracy needs.");
  }
  const Request request = request_of(row, line.number);
  problem.question = request.messages.empty() ? std::string() : request.messages.back().content;
  problem.prompt = request.prompt_ids ? *request.prompt_ids
                                      : required(engine.text_form(), engine, "open_turn")
                                            .open_turn(request.messages, request_template(text, request));
  if (problem.prompt.size() > max_prompt_tokens) {
    throw InvalidInput("its prompt has " + std::to_string(problem.prompt.size()) + " tokens, more than the " +
                       std::to_string(max_prompt_tokens) + " of rollout.max_prompt_tokens.");
  }
  return problem;
}

}  // namespace

RlProblems read_rl_problems(const std::string& path, const Engine& engine, const TemplateOptions& text,
                            std::size_t max_prompt_tokens, bool needs_answer) {
  RlProblems read;
  Sha256 hash;
  read.left_out = use_lines(path, [&](const InputLine& line) {
    const RlProblem& problem =
        read.problems.emplace_back(problem_of(line, engine, text, max_prompt_tokens, needs_answer));
    for (const Token token : problem.prompt) {
      hash.update(std::to_string(token) + " ");
    }
    hash.update("\n" + problem.answer + "\n");
  });
  if (read.problems.empty()) {
    throw InvalidInput("[" + std::filesystem::path(path).filename().string() + "] no line of it can be used" +
                       why_none_is_left(read.left_out));
  }
  read.sha256 = hex(hash.finish());
  return read;
}

}  // namespace endorm
