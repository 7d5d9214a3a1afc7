// Benchmarks of steering: which response is better depends on the system message.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/errors.h"
#include "eval/row_reader.h"

namespace endorm {
namespace {

struct Persona {
  std::string_view domain;
  std::string_view system;
};

// As published beside the DSP results of arXiv:2506.23235.
constexpr std::array kPersonas = {
    Persona{"academy",
            "Please act as if you are an experienced researcher. Remember you are not an AI model anymore. You speak "
            "rationally, logically, and rigorously."},
    Persona{"business",
            "Please act as if you are a professional corporate manager. Remember you are not an AI model anymore. Your "
            "style of speech is decisive and passionate. You are full of responsibility for your career. You are brave "
            "in the face of challenges and good at coordinating teams."},
    Persona{"literature",
            "Please act as if you are a poet with infectious charm. Remember you are not an AI model anymore. Your "
            "style of speech carries the artistic beauty of literature. You have a meticulous observation of things "
            "around you, with a persistent pursuit of beauty."},
    Persona{"entertainment",
            "Please act as if you are a humorous and witty talk show host. Remember you are not an AI model anymore. "
            "You are funny and always make people laugh. You use humor to ridicule life. Your speeches bring a relaxed "
            "and lively atmosphere."},
};

std::vector<Message> under(std::string_view system, const std::string& query) {
  return {{"system", std::string(system)}, {"user", query}};
}

// The source's name in the tables of arXiv:2506.23235; any other stays as it is.
std::string short_source(const std::string& source) {
  std::string lower = source;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); });
  constexpr std::array<std::array<std::string_view, 2>, 5> kNames = {{{"nectar", "Nectar"},
                                                                      {"hermes", "OpenHermes"},
                                                                      {"ultrafeedback", "UltraFeedback"},
                                                                      {"arena", "Arena"},
                                                                      {"domain_specific", "DSP"}}};
  for (const auto& [part, name] : kNames) {
    if (lower.find(part) != std::string::npos) {
      return std::string(name);
    }
  }
  return source;
}

RowFault fault_of(const RowExamples& row, std::string message) {
  return {.file = {}, .row = row.row, .id = row.id, .message = std::move(message)};
}

// All responses of one instruction, without labels and alternatives, under the i-th row's system message.
Example with_all_responses(const std::vector<RowExamples>& members, std::size_t i) {
  Example example = members[i].examples.front();
  example.group = members.front().id.empty() ? std::to_string(members.front().row) : members.front().id;
  example.request.responses.clear();
  for (const RowExamples& member : members) {
    example.request.responses.push_back(member.examples.front().request.responses.front());
  }
  return example;
}

// Response i is better than each other one.
void prefer(Example& example, std::size_t i) {
  for (std::size_t j = 0; j < example.request.responses.size(); ++j) {
    if (j != i) {
      example.comparisons.push_back({.better = i, .worse = j, .cell = {}});
    }
  }
}

// An example for each system message; or one without any, in which every ordered pair stands.
std::vector<Example> steered_examples(const std::vector<RowExamples>& members, bool system_messages) {
  std::vector<Example> examples;
  if (!system_messages) {
    examples.push_back(with_all_responses(members, 0));
    examples.back().request.messages.erase(examples.back().request.messages.begin());
    for (std::size_t i = 0; i < members.size(); ++i) {
      prefer(examples.back(), i);
    }
    return examples;
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    examples.push_back(with_all_responses(members, i));
    prefer(examples.back(), i);
    for (std::size_t j = 0; j < members.size(); ++j) {
      if (j != i) {
        examples.back().request.alternatives.push_back(members[j].examples.front().request.messages.front().content);
      }
    }
  }
  return examples;
}

}  // namespace

std::vector<Example> read_dsp(const SourceRow& source) {
  const std::string query = source.row.at("query").text();
  const JsonField answers = source.row.at("responses").object();
  std::vector<std::string> responses;
  responses.reserve(kPersonas.size() + 1);
  for (const Persona& persona : kPersonas) {
    responses.push_back(answers.at(persona.domain).text());
  }
  responses.push_back(answers.at("normal").text());

  // Each domain's own response against the four others: the column of a domain is the cell.
  std::vector<Comparison> comparisons;
  for (std::size_t own = 0; own < kPersonas.size(); ++own) {
    for (std::size_t other = 0; other < responses.size(); ++other) {
      if (other != own) {
        comparisons.push_back({.better = own, .worse = other, .cell = std::string(kPersonas[own].domain)});
      }
    }
  }
  const std::string group = std::to_string(source.number);
  std::vector<Example> examples;
  const auto add = [&](const std::string& subset, std::vector<Message> messages) -> Example& {
    examples.push_back(make_example(group + "/" + subset, std::move(messages), responses));
    examples.back().subset = subset;
    examples.back().group = group;
    examples.back().comparisons = comparisons;
    return examples.back();
  };
  if (!source.options.system_messages) {
    add("none", {{"user", query}});
    return examples;
  }
  for (const Persona& persona : kPersonas) {
    Example& example = add(std::string(persona.domain), under(persona.system, query));
    for (const Persona& other : kPersonas) {
      if (other.domain != persona.domain) {
        example.request.alternatives.emplace_back(other.system);
      }
    }
  }
  return examples;
}

std::vector<Example> read_multifaceted(const SourceRow& source) {
  const JsonField& row = source.row;
  const std::string prompt = row.at("prompt").text();
  Example example =
      make_example(std::to_string(source.number), under(row.at("system").text(), prompt), {row.at("output").text()});
  example.subset = short_source(row.has("main_source") ? row.at("main_source").text() : row.at("source").text());
  example.group = prompt;
  return {std::move(example)};
}

std::vector<RowExamples> gather_multifaceted(std::vector<RowExamples> rows, const ReadOptions& options,
                                             std::vector<RowFault>& faults) {
  std::vector<std::vector<RowExamples>> instructions;  // in the order of their first rows
  std::map<std::string, std::size_t, std::less<>> place;
  for (RowExamples& row : rows) {
    const Example& example = row.examples.front();
    const auto [found, is_new] = place.try_emplace(example.subset + "\n" + example.group, instructions.size());
    if (is_new) {
      instructions.emplace_back();
    }
    std::vector<RowExamples>& members = instructions[found->second];
    const std::string& system = example.request.messages.front().content;
    const bool repeated = std::any_of(members.begin(), members.end(), [&](const RowExamples& member) {
      return member.examples.front().request.messages.front().content == system;
    });
    if (repeated) {
      faults.push_back(fault_of(row, "the system message stands twice for one instruction."));
    } else {
      members.push_back(std::move(row));
    }
  }
  std::vector<RowExamples> gathered;
  for (const std::vector<RowExamples>& members : instructions) {
    if (members.size() < 2) {
      faults.push_back(fault_of(members.front(),
                                "its instruction has no second row: there is no other system message's response to "
                                "compare with."));
      continue;
    }
    gathered.push_back({.row = members.front().row,
                        .id = members.front().id,
                        .examples = steered_examples(members, options.system_messages)});
  }
  return gathered;
}

}  // namespace endorm
