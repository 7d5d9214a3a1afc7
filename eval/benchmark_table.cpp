#include "eval/benchmark_table.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "core/errors.h"
#include "core/listed.h"

namespace endorm {
namespace {

namespace fs = std::filesystem;

constexpr std::array kRmBenchParts = {PartFile{"chat", "chat_filtered.json"}, PartFile{"math", "math_filtered.json"},
                                      PartFile{"code", "code_filtered.json"},
                                      PartFile{"safety-refuse", "safety-refuse_filtered.json"},
                                      PartFile{"safety-response", "safety-response_filtered.json"}};
constexpr std::array kDspParts = {PartFile{"test", "domain_specific_preference.test.json"}};
constexpr std::array kProcessBenchParts = {PartFile{"gsm8k", "gsm8k.json"}, PartFile{"math", "math.json"},
                                           PartFile{"olympiadbench", "olympiadbench.json"},
                                           PartFile{"omnimath", "omnimath.json"}};
constexpr std::array kLlmBarParts = {
    PartFile{"Natural", "Natural/dataset.json"}, PartFile{"Neighbor", "Adversarial/Neighbor/dataset.json"},
    PartFile{"GPTInst", "Adversarial/GPTInst/dataset.json"}, PartFile{"GPTOut", "Adversarial/GPTOut/dataset.json"},
    PartFile{"Manual", "Adversarial/Manual/dataset.json"}};

const std::vector<Benchmark>& benchmarks() {
  static const std::vector<Benchmark> table = {
      {.named = {"rm-bench", "subtle errors against style: 3 chosen and 3 rejected responses a prompt, four domains",
                 "chat_filtered.json, math_filtered.json, code_filtered.json, safety-refuse_filtered.json, "
                 "safety-response_filtered.json",
                 "https://github.com/THU-KEG/RM-Bench (data/)"},
       .read_row = read_rm_bench,
       .plan = plan_rm_bench,
       .parts = kRmBenchParts,
       .folder = "data"},
      {.named = {"rewardbench", "pairs of chat, hard chat, safety and reasoning",
                 "any .json or .jsonl with chosen and rejected (or response_a, response_b and label), prompt, subset",
                 "https://huggingface.co/datasets/allenai/reward-bench (split filtered)"},
       .read_row = read_reward_bench,
       .plan = plan_reward_bench,
       .ties = TieRule::kHalf},
      {.named = {"rewardbench2", "one right response of four in five subsets, and questions with several right answers",
                 "any .json or .jsonl with id, prompt, chosen, rejected, subset",
                 "https://huggingface.co/datasets/allenai/reward-bench-2 (split test)"},
       .read_row = read_reward_bench_2,
       .plan = plan_reward_bench_2},
      {.named = {"dsp", "domain-specific preference: four personas as system messages, four test sets",
                 "domain_specific_preference.test.json, or any .json or .jsonl with query and responses",
                 "https://github.com/Linear95/DSP (data/)"},
       .read_row = read_dsp,
       .plan = plan_dsp,
       .parts = kDspParts,
       .folder = "data"},
      {.named = {"multifaceted", "three system messages an instruction, each with its own response: all ordered pairs",
                 "any .json or .jsonl with main_source (or source), system, prompt, output",
                 "https://huggingface.co/datasets/kaist-ai/Multifaceted-Collection"},
       .read_row = read_multifaceted,
       .plan = plan_multifaceted,
       .gather = gather_multifaceted},
      {.named = {"processbench", "the first wrong step of solutions to mathematical problems",
                 "gsm8k.json, math.json, olympiadbench.json, omnimath.json",
                 "https://github.com/QwenLM/ProcessBench or https://huggingface.co/datasets/Qwen/ProcessBench"},
       .read_row = read_process_bench,
       .plan = plan_process_bench,
       .parts = kProcessBenchParts,
       .folder = "dataset"},
      {.named = {"prmbench", "every wrong step of solutions that were modified in nine ways",
                 "prmtest_preview.jsonl, or any .json or .jsonl with idx, classification, modified_question, "
                 "modified_process, error_steps, original_question, original_process",
                 "https://huggingface.co/datasets/hitsmy/PRMBench_Preview"},
       .read_row = read_prm_bench,
       .plan = plan_prm_bench},
      {.named = {"judgebench", "pairs of answers of which one is verified: knowledge, reasoning, mathematics, code",
                 "any .json or .jsonl with pair_id, source, question, response_A, response_B, label",
                 "https://github.com/ScalerLab/JudgeBench (data/)"},
       .read_row = read_judge_bench,
       .plan = plan_judge_bench,
       .folder = "data"},
      {.named = {"llmbar", "pairs that differ in following the instruction: natural and four adversarial sets",
                 "Natural/dataset.json and Adversarial/{Neighbor,GPTInst,GPTOut,Manual}/dataset.json",
                 "https://github.com/princeton-nlp/LLMBar (Dataset/LLMBar/)"},
       .read_row = read_llm_bar,
       .plan = plan_llm_bar,
       .parts = kLlmBarParts,
       .folder = "Dataset/LLMBar"},
      {.named = {"pairs", "pairs of one's own: records with chosen and rejected",
                 "any .jsonl, .json, .csv, .tsv or .parquet", "written by you: docs/benchmarks.md has the fields"},
       .read_row = read_pair,
       .plan = plan_pairs,
       .reads_records = true},
      {.named = {"bestof", "candidates of one's own: records with responses and which of them are correct",
                 "any .jsonl, .json, .csv, .tsv or .parquet", "written by you: docs/benchmarks.md has the fields"},
       .read_row = read_best_of,
       .plan = plan_best_of,
       .plan_without_judge = plan_without_judge,
       .reads_records = true},
      {.named = {"steps", "stepwise solutions of one's own: records with steps and the first wrong one, or all",
                 "any .jsonl, .json, .csv, .tsv or .parquet", "written by you: docs/benchmarks.md has the fields"},
       .read_row = read_steps,
       .plan = plan_steps,
       .reads_records = true},
  };
  return table;
}

std::string remedy(const Benchmark& benchmark) {
  return "Its files are: " + std::string(benchmark.named.files) + "; to be had from " +
         std::string(benchmark.named.source) + ".";
}

// Where a part's path ends the given one, that part; else the stem, or the folder of a file that is merely "dataset".
std::string part_of(const Benchmark& benchmark, const fs::path& path) {
  for (const PartFile& file : benchmark.parts) {
    const std::string name = fs::path(file.path).filename().string();
    const std::string tail = name == "dataset.json" ? std::string(file.part) + "/" + name : name;
    if (path.generic_string().ends_with(tail)) {
      return std::string(file.part);
    }
  }
  return path.stem() == "dataset" ? path.parent_path().filename().string() : path.stem().string();
}

std::vector<FoundFile> files_of_parts(const Benchmark& benchmark, const std::vector<fs::path>& folders,
                                      std::vector<std::string>& notes) {
  std::vector<FoundFile> found;
  std::vector<std::string> missing;
  for (const PartFile& file : benchmark.parts) {
    const auto folder = std::find_if(folders.begin(), folders.end(),
                                     [&](const fs::path& candidate) { return is_file(candidate / file.path); });
    if (folder != folders.end()) {
      found.push_back({.part = std::string(file.part), .path = (*folder / file.path).string()});
    } else {
      missing.push_back("The part " + std::string(file.part) + " is missing: there is no " + std::string(file.path) +
                        ". It is to be had from " + std::string(benchmark.named.source) + ".");
    }
  }
  if (!found.empty()) {
    notes.insert(notes.end(), missing.begin(), missing.end());
  }
  return found;
}

// Every file of rows in the first folder that has any, by name.
std::vector<FoundFile> files_of_folder(const Benchmark& benchmark, const std::vector<fs::path>& folders) {
  std::vector<std::string_view> endings = {".json", ".jsonl"};
  if (benchmark.reads_records) {
    endings.insert(endings.end(), {".csv", ".tsv", ".parquet"});
  }
  std::vector<FoundFile> found;
  for (const fs::path& folder : folders) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
      const fs::path& path = entry.path();
      if (is_file(path) && std::find(endings.begin(), endings.end(), path.extension().string()) != endings.end()) {
        found.push_back({.part = path.stem().string(), .path = path.string()});
      }
    }
    if (!found.empty()) {
      break;
    }
  }
  std::sort(found.begin(), found.end(), [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; });
  return found;
}

bool has_parquet(const fs::path& folder) {
  std::error_code error;
  const fs::directory_iterator entries(folder, error);
  return std::any_of(begin(entries), end(entries),
                     [](const fs::directory_entry& entry) { return entry.path().extension() == ".parquet"; });
}

}  // namespace

std::vector<BenchmarkName> names_of(std::span<const Benchmark> table) {
  std::vector<BenchmarkName> names;
  for (const Benchmark& row : table) {
    names.push_back(row.named);
  }
  return names;
}

std::vector<BenchmarkName> benchmark_names() { return names_of(benchmarks()); }

const Benchmark& row_named(std::span<const Benchmark> table, std::string_view function, std::string_view what,
                           std::string_view name, std::string_view otherwise) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.named.name == name; });
  if (found != table.end()) {
    return *found;
  }
  throw InvalidInput("[" + std::string(function) + "] no " + std::string(what) + " is called \"" + std::string(name) +
                     "\"; choose one of " + listed(names_of(table), &BenchmarkName::name) + std::string(otherwise) +
                     ".");
}

const Benchmark& benchmark_named(std::string_view function, std::string_view name) {
  return row_named(benchmarks(), function, "benchmark", name);
}

std::vector<FoundFile> find_files(const Benchmark& benchmark, const std::string& path,
                                  std::vector<std::string>& notes) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    if (!is_file(path)) {
      throw InvalidInput("[read_benchmark] there is no file or directory " + path + " for " +
                         std::string(benchmark.named.name) + ". " + remedy(benchmark));
    }
    return {{.part = part_of(benchmark, path), .path = path}};
  }
  std::vector<fs::path> folders = {path};
  if (!benchmark.folder.empty()) {
    folders.push_back(fs::path(path) / benchmark.folder);
  }
  std::vector<FoundFile> found =
      benchmark.parts.empty() ? files_of_folder(benchmark, folders) : files_of_parts(benchmark, folders, notes);
  if (found.empty()) {
    throw InvalidInput("[read_benchmark] " + path + " holds no file of " + std::string(benchmark.named.name) + ". " +
                       remedy(benchmark) +
                       (has_parquet(path) ? " Parquet is not read: convert it with pandas, read_parquet(...).to_json("
                                            "..., orient=\"records\", lines=True)."
                                          : ""));
  }
  return found;
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

}  // namespace endorm
