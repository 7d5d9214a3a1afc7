#include "app/cli/several_models.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "app/cli/exit_status.h"
#include "app/cli/open_input.h"
#include "app/cli/write_file.h"
#include "app/environment.h"
#include "core/errors.h"
#include "core/listed.h"
#include "engine/model_store.h"
#include "report/score_comparison_table.h"
#include "report/terminal_text.h"

namespace endorm {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char letter : text) {
    if (letter == separator) {
      parts.emplace_back();
    } else {
      parts.back() += letter;
    }
  }
  return parts;
}

// The last `parts` names of a path or of hf:ORG/REPO:QUANT, joined.
std::string ending_of(const std::string& name, std::size_t parts) {
  const std::vector<std::string> all = split(name.starts_with("hf:") ? name.substr(3) : name, '/');
  std::string label;
  for (std::size_t i = all.size() - std::min(parts, all.size()); i < all.size(); ++i) {
    label += label.empty() ? all[i] : "-" + all[i];
  }
  for (const std::string_view ending : {".gguf", ".jsonl"}) {
    if (label.size() > ending.size() && label.ends_with(ending)) {
      label.resize(label.size() - ending.size());
    }
  }
  std::replace(label.begin(), label.end(), ':', '-');
  return label;
}

ScoreTable table_of(const std::string& command, const std::string& file) {
  std::ifstream rows(file);
  if (!rows || std::filesystem::is_directory(file)) {
    throw InvalidInput("[" + command + "] " + file + " cannot be read. Give files that `endorm score -o FILE` wrote.");
  }
  return ScoreTable::read(rows, command, file, "reward");
}

void print_tables(const std::string& command, std::span<const std::string> names, std::span<const ScoreTable> tables) {
  write_file(command, score_comparison_table(names, compare_scores(tables), TableForm::kTerminal), "-");
}

}  // namespace

std::vector<std::string> models_named(const std::string& text) {
  const std::vector<std::string> parts = split(text, ',');
  std::vector<std::string> models;
  for (std::size_t begin = 0; begin < parts.size();) {
    std::string file;
    std::size_t end = begin + 1;
    std::string joined = parts[begin];
    for (std::size_t next = begin + 1; next < parts.size(); ++next) {
      joined += "," + parts[next];
      if (std::filesystem::exists(joined)) {
        file = joined;
        end = next + 1;
      }
    }
    models.push_back(file.empty() ? parts[begin] : file);
    begin = end;
  }
  return models;
}

std::vector<std::string> labels_of(const std::string& command, std::span<const std::string> names) {
  const auto refuse = [&](const std::string& why) { throw InvalidInput("[" + command + "] " + why); };
  std::size_t longest = 1;
  for (const std::string& name : names) {
    if (std::count(names.begin(), names.end(), name) > 1) {
      refuse(name + " stands there twice. Name each once.");
    }
    longest = std::max(longest, split(name, '/').size());
  }
  std::vector<std::string> labels;
  for (std::size_t parts = 1; parts <= longest; ++parts) {
    labels.clear();
    for (const std::string& name : names) {
      labels.push_back(ending_of(name, parts));
    }
    if (std::set<std::string>(labels.begin(), labels.end()).size() == names.size()) {
      return labels;
    }
  }
  refuse(listed(names) + " cannot be told apart by name. Rename one of them.");
  return {};
}

std::string file_of_model(const std::string& path, const std::string& label) {
  const std::filesystem::path whole = path;
  return (whole.parent_path() / (whole.stem().string() + "." + label + whole.extension().string())).string();
}

void run_each_model(
    const std::string& command, const ScoringRunFlags& flags, std::span<const std::string> models,
    const std::function<void(const ScoringRunFlags&, const std::string& label, const RunAside&)>& run_one) {
  const std::vector<std::string> labels = labels_of(command, models);
  if (flags.output.output == "-") {
    throw InvalidInput(
        "[" + command + "] several models have a result file each. Give -o FILE: of -o scored.jsonl " + "they are " +
        listed(labels, [](const std::string& label) { return file_of_model("scored.jsonl", label); }) + ".");
  }
  if (flags.engine.remote_url.value_or("").empty()) {
    for (const std::string& model : models) {
      resolve_model(model, model_store_options(flags.engine.offline));
    }
  }
  std::optional<RepeatedStandardInput> standard_input;
  if (flags.input == "-") {
    standard_input.emplace();
  }
  std::vector<ScoreTable> tables;
  std::vector<std::string> failed;
  for (std::size_t i = 0; i < models.size(); ++i) {
    ScoringRunFlags own = flags;
    own.engine.model = models[i];
    own.output.output = file_of_model(flags.output.output, labels[i]);
    std::fprintf(stderr, "endorm: %s to %s\n", terminal_line(models[i]).c_str(), own.output.output.c_str());
    RunAside aside;
    aside.read_rows = [&](const std::string& rows) { tables.push_back(table_of(command, rows)); };
    if (standard_input) {
      standard_input->rewind();
    }
    try {
      run_one(own, labels[i], aside);
    } catch (const RowsFailed&) {
      failed.push_back(labels[i]);
    }
  }
  if (tables.size() == models.size()) {
    print_tables(command, labels, tables);
  }
  if (!failed.empty()) {
    throw RowsFailed("finished; not everything could be scored by " + listed(failed) + ": their rows say why");
  }
}

void print_comparison(const std::string& command, std::span<const std::string> files) {
  if (files.size() < 2) {
    throw InvalidInput("[" + command + "] give two result files or more");
  }
  const std::vector<std::string> labels = labels_of(command, files);
  std::vector<ScoreTable> tables;
  for (const std::string& file : files) {
    tables.push_back(table_of(command, file));
  }
  print_tables(command, labels, tables);
}

}  // namespace endorm
