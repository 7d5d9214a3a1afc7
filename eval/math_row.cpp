#include "eval/math_row.h"

#include <map>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

bool is_right_as(const std::string& answer, const std::string& reference, const GradeOptions& options) {
  return grade("\\boxed{" + answer + "}", "\\boxed{" + reference + "}", options).verdict == Verdict::kCorrect;
}

const char* end_name(CompletionEnd end) {
  return end == CompletionEnd::kEndOfTurn ? "end_of_turn" : end == CompletionEnd::kStop ? "stop" : "length";
}

CompletionEnd end_from(const std::string& name) {
  for (const CompletionEnd end : {CompletionEnd::kEndOfTurn, CompletionEnd::kStop, CompletionEnd::kLength}) {
    if (name == end_name(end)) {
      return end;
    }
  }
  throw InvalidInput("\"end\" is \"" + excerpt(name) + "\", expected end_of_turn, stop or length");
}

Verdict verdict_from(const std::string& name) {
  for (const Verdict verdict : {Verdict::kCorrect, Verdict::kWrong, Verdict::kUnparsable}) {
    if (name == verdict_name(verdict)) {
      return verdict;
    }
  }
  throw InvalidInput("\"verdict\" is \"" + excerpt(name) + "\", expected correct, wrong or unparsable");
}

json of_sample(const MathSample& sample) {
  return {{"text", sample.text},
          {"tokens", sample.tokens},
          {"ids", sample.ids},
          {"end", end_name(sample.end)},
          {"verdict", std::string(verdict_name(sample.verdict))},
          {"answer_normal", sample.answer_normal},
          {"reason", sample.reason},
          {"vote", sample.vote ? json(*sample.vote) : json(nullptr)}};
}

MathSample sample_from(const json& fields, std::size_t samples) {
  MathSample sample;
  fields.at("text").get_to(sample.text);
  fields.at("tokens").get_to(sample.tokens);
  fields.at("ids").get_to(sample.ids);
  sample.end = end_from(fields.at("end").get<std::string>());
  sample.verdict = verdict_from(fields.at("verdict").get<std::string>());
  fields.at("answer_normal").get_to(sample.answer_normal);
  fields.at("reason").get_to(sample.reason);
  if (const json& vote = fields.at("vote"); !vote.is_null()) {
    sample.vote = vote.get<std::size_t>();
    if (*sample.vote >= samples) {
      throw InvalidInput("\"vote\" is for a sample that is not there");
    }
  }
  return sample;
}

}  // namespace

void grade_samples(MathRow& row) {
  GradeOptions options;
  options.tolerance = row.problem.tolerance;
  std::vector<std::size_t> firsts;  // of the classes
  for (std::size_t i = 0; i < row.samples.size(); ++i) {
    MathSample& sample = row.samples[i];
    const Grade found = grade(sample.text, row.problem.reference, options);
    sample.verdict = found.verdict;
    sample.answer_normal = found.verdict == Verdict::kUnparsable ? "" : found.answer_normal;
    sample.reason = found.reason;
    sample.vote.reset();
    if (found.verdict == Verdict::kUnparsable) {
      continue;
    }
    for (const std::size_t first : firsts) {
      const std::string& other = row.samples[first].answer_normal;
      if (sample.answer_normal == other || is_right_as(sample.answer_normal, other, options) ||
          is_right_as(other, sample.answer_normal, options)) {
        sample.vote = first;
        break;
      }
    }
    if (!sample.vote) {
      sample.vote = i;
      firsts.push_back(i);
    }
  }
}

VoteResult vote_result(const MathRow& row) {
  std::map<std::size_t, std::size_t> votes;
  std::size_t most = 0;
  for (const MathSample& sample : row.samples) {
    if (sample.vote) {
      most = std::max(most, ++votes[*sample.vote]);
    }
  }
  std::size_t tied = 0;
  std::size_t right = 0;
  for (const auto& [first, count] : votes) {
    if (count < most) {
      continue;
    }
    ++tied;
    right += row.samples[first].verdict == Verdict::kCorrect ? 1 : 0;
  }
  if (tied == 0) {
    return {};
  }
  return {.credit = static_cast<double>(right) / static_cast<double>(tied), .tie = tied > 1};
}

std::string math_row_json(const MathRow& row) {
  const MathProblem& problem = row.problem;
  json fields = {{"id", problem.id}, {"key", problem.key}, {"suite", problem.suite}};
  if (!problem.subject.empty()) {
    fields["subject"] = problem.subject;
  }
  if (!problem.level.empty()) {
    fields["level"] = problem.level;
  }
  fields["question"] = problem.question;
  fields["reference"] = problem.reference;
  if (problem.tolerance > 0.0) {
    fields["tolerance"] = problem.tolerance;
  }
  if (!row.error.empty()) {
    fields["error"] = row.error;
  } else {
    fields["samples"] = json::array();
    for (const MathSample& sample : row.samples) {
      fields["samples"].push_back(of_sample(sample));
    }
  }
  return fields.dump(-1, ' ', false, json::error_handler_t::replace);
}

MathRow read_math_row(std::string_view line) {
  try {
    check_json(line);
    const json fields = json::parse(line);
    MathRow row;
    fields.at("id").get_to(row.problem.id);
    fields.at("key").get_to(row.problem.key);
    fields.at("suite").get_to(row.problem.suite);
    row.problem.subject = fields.value("subject", "");
    row.problem.level = fields.value("level", "");
    fields.at("question").get_to(row.problem.question);
    fields.at("reference").get_to(row.problem.reference);
    row.problem.tolerance = fields.value("tolerance", 0.0);
    row.error = fields.value("error", "");
    if (row.error.empty()) {
      const json& samples = fields.at("samples");
      for (const json& sample : samples) {
        row.samples.push_back(sample_from(sample, samples.size()));
      }
      if (row.samples.empty()) {
        throw InvalidInput("\"samples\" is empty and there is no \"error\"");
      }
    }
    return row;
  } catch (const json::exception& error) {
    throw InvalidInput(std::string("[read_math_row] ") + error.what());
  } catch (const InvalidInput& error) {
    throw InvalidInput(std::string("[read_math_row] ") + error.what());
  }
}

}  // namespace endorm
