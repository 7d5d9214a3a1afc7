#include "app/cli/converter_environment.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/cli/converter_archive.h"
#include "app/cli/noted_signals.h"
#include "core/errors.h"
#include "engine/child_process.h"
#include "engine/content_hash.h"
#include "engine/scratch_directory.h"

namespace endorm {
namespace {

namespace fs = std::filesystem;

// What convert_hf_to_gguf.py, convert_lora_to_gguf.py and gguf-py import. Those installed are those tried; of what an
// interpreter has, older ones will do: transformers from 5.0 on, for 4 does not read the tokenizers that 5 writes.
const std::vector<PythonPackage> kConverterPackages{{"torch>=2.6", "torch==2.13.0"},
                                                    {"transformers>=5.0", "transformers==5.23.0"},
                                                    {"safetensors>=0.4", "safetensors"},
                                                    {"sentencepiece>=0.1.98", "sentencepiece"},
                                                    {"protobuf>=4.21", "protobuf"},
                                                    {"numpy>=1.26", "numpy"},
                                                    {"tqdm>=4.27", "tqdm"},
                                                    {"pyyaml>=5.1", "pyyaml"},
                                                    {"requests>=2.25", "requests"}};

constexpr std::size_t kKeyLength = 12;  // of hashes in the names of directories

std::string key_of(std::string_view bytes) { return hex(sha256(bytes)).substr(0, kKeyLength); }

// The archive's first bytes hold the time of its making.
std::string archive_key() {
  constexpr std::size_t kGzipHeader = 10;
  return key_of(kConverterArchive.substr(kGzipHeader));
}

// Two commands at once set up one environment, one after the other.
class CacheLock {
 public:
  explicit CacheLock(const fs::path& path) : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0 || ::flock(descriptor_, LOCK_EX) != 0) {
      throw EngineError("[convert] " + path.string() +
                        " cannot be locked. Check that the cache directory can be written, or set ENDORM_CACHE_DIR.");
    }
  }
  ~CacheLock() { ::close(descriptor_); }
  CacheLock(const CacheLock&) = delete;
  CacheLock& operator=(const CacheLock&) = delete;

 private:
  int descriptor_;
};

// Runs a child that ends where this process is asked to; returns what it printed, where that is kept.
ChildEnd run_stoppable(const std::vector<std::string>& words, bool keep_output) {
  const NotedSignals signals;
  ChildEnd end;
  try {
    end = run_child({words, keep_output, [&] { return signals.seen() != 0; }});
  } catch (const EngineError& error) {
    throw EngineError("[convert] " + std::string(error.what()) +
                      ". The converter is a Python program: install Python 3.10 or newer, or name one with --python.");
  }
  if (signals.seen() != 0) {
    throw Interrupted(signals.seen(), "[convert] stopped; what was half made is gone");
  }
  return end;
}

void make_directory(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure) {
    throw EngineError("[convert] the cache directory " + path.string() + " cannot be made: " + failure.message() +
                      ". Set ENDORM_CACHE_DIR to one that you may write.");
  }
}

// Of requirements, without their versions.
std::string joined(const nlohmann::json& names) {
  std::string text;
  for (const auto& name : names) {
    const std::string whole = name.get<std::string>();
    text += (text.empty() ? "" : ", ") + whole.substr(0, whole.find('>'));
  }
  return text;
}

// What the tool answered; nothing where it was ended from outside or cannot be read.
nlohmann::json answer_of(const ChildEnd& end) {
  nlohmann::json answer = nlohmann::json::parse(end.output, nullptr, /*allow_exceptions=*/false);
  return end.status == 0 && answer.is_object() ? answer : nlohmann::json();
}

}  // namespace

ConverterEnvironment::ConverterEnvironment(const ConverterSettings& settings)
    : settings_(settings),
      tools_((fs::path(settings.cache_directory) / "converter" / ("llama.cpp-" + archive_key())).string()),
      python_(settings.python) {
  make_directory(fs::path(tools_).parent_path());
  const CacheLock lock(fs::path(tools_).parent_path() / "lock");
  unpack();
}

void ConverterEnvironment::unpack() const {
  if (fs::exists(tools_)) {
    return;
  }
  const ScratchDirectory scratch(fs::path(tools_).parent_path(), "unpack-");
  const fs::path archive = scratch.path() / "converter.tar.gz";
  std::ofstream file(archive, std::ios::binary);
  file << kConverterArchive;
  file.close();
  if (!file) {
    throw EngineError("[convert] " + archive.string() + " cannot be written. Is the disk full?");
  }
  const fs::path folder = scratch.path() / "files";
  const ChildEnd end = run_stoppable(
      {python_, "-W", "ignore", "-m", "tarfile", "-e", archive.string(), folder.string()}, /*keep_output=*/false);
  if (end.status != 0) {
    throw EngineError("[convert] " + python_ + " cannot unpack the converter into " + tools_ +
                      " (its words stand above). Give another interpreter with --python.");
  }
  fs::rename(folder, tools_);
}

nlohmann::json ConverterEnvironment::look(const std::string& python, const std::vector<PythonPackage>& packages) const {
  std::vector<std::string> words{python, tools_ + "/endorm/packages.py", "look"};
  for (const PythonPackage& package : packages) {
    words.emplace_back(package.needed);
  }
  nlohmann::json found = answer_of(run_stoppable(words, /*keep_output=*/true));
  if (!found.contains("executable")) {
    throw EngineError("[convert] " + python +
                      " cannot be asked what it has (its words stand above). Give another "
                      "interpreter with --python.");
  }
  if (!found.at("usable").get<bool>()) {
    throw InvalidInput("[convert] " + python + " is Python " + found.at("version").get<std::string>() +
                       "; llama.cpp's converter needs 3.10. Give another interpreter with --python.");
  }
  return found;
}

void ConverterEnvironment::need(const std::vector<PythonPackage>& packages) {
  if (packages_.empty()) {
    packages_ = kConverterPackages;
  }
  packages_.insert(packages_.end(), packages.begin(), packages.end());
  const nlohmann::json base = look(settings_.python, packages_);
  python_ = base.at("executable").get<std::string>();
  if (!base.at("missing").empty()) {
    install(base);
  }
}

// An environment is there once the file `ready` is in it; one whose setting up was interrupted is begun anew.
void ConverterEnvironment::install(const nlohmann::json& base) {
  const fs::path root = fs::path(tools_).parent_path();
  const fs::path folder = root / ("python-" + key_of(python_ + " " + base.at("version").get<std::string>()));
  const std::string own = (folder / "bin" / "python").string();
  const fs::path ready = folder / "ready";
  const CacheLock lock(root / "lock");
  const bool there = fs::exists(ready);
  const nlohmann::json missing = there ? look(own, packages_).at("missing") : base.at("missing");
  if (!missing.empty()) {
    announce(folder.string(), missing);
    if (!there) {
      make_environment(folder.string(), base.at("folders"));
    }
    fs::remove(ready);
    add_packages(own, missing);
    std::ofstream(ready) << joined(missing) << '\n';
  }
  python_ = own;
}

// What will be installed, where, and how large it is; or why it will not.
void ConverterEnvironment::announce(const std::string& folder, const nlohmann::json& missing) const {
  if (settings_.offline) {
    throw EngineError("[convert] " + python_ + " lacks " + joined(missing) +
                      ", and downloads are off (--offline). Give an interpreter that has them with --python.");
  }
  const bool torch = missing.front().get<std::string>().starts_with("torch");
  settings_.say("Setting up Python for the converter in " + folder + ", once: " + joined(missing) +
                (torch ? " (about 1 GB on disk; 5 GB where pip finds the torch with CUDA: --python PATH with an "
                         "interpreter that has torch saves that)"
                       : " (at most 0.3 GB on disk)"));
}

void ConverterEnvironment::make_environment(const std::string& folder, const nlohmann::json& base_folders) const {
  std::vector<std::string> words{python_, tools_ + "/endorm/packages.py", "make", folder};
  for (const auto& place : base_folders) {
    words.push_back(place.get<std::string>());
  }
  const nlohmann::json made = answer_of(run_stoppable(words, /*keep_output=*/true));
  if (made.is_null() || made.contains("fault")) {
    throw EngineError("[convert] " + python_ + " makes no virtual environment in " + folder + ": " +
                      (made.is_null() ? "its words stand above" : made.at("fault").get<std::string>()) +
                      ". On Debian and Ubuntu: apt-get install python3-venv.");
  }
}

void ConverterEnvironment::add_packages(const std::string& python, const nlohmann::json& missing) const {
  std::vector<std::string> words{python, "-m", "pip", "install", "--disable-pip-version-check"};
  if (::isatty(STDERR_FILENO) != 1) {
    words.emplace_back("--quiet");
  }
  for (const PythonPackage& package : packages_) {
    if (std::find(missing.begin(), missing.end(), package.needed) != missing.end()) {
      words.emplace_back(package.install);
    }
  }
  if (run_stoppable(words, /*keep_output=*/false).status != 0) {
    throw EngineError("[convert] pip cannot install " + joined(missing) +
                      " (its words stand above). Check the network and the disk, or give an interpreter that has them "
                      "with --python.");
  }
  if (const nlohmann::json left = look(python, packages_).at("missing"); !left.empty()) {
    throw EngineError("[convert] after pip's work " + python + " still lacks " + joined(left) +
                      ". Give an interpreter that has it with --python.");
  }
}

nlohmann::json ConverterEnvironment::run(const std::string& tool, const std::vector<std::string>& arguments,
                                         const std::string& failure) const {
  std::vector<std::string> words{python_, tools_ + "/endorm/" + tool};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const ChildEnd end = run_stoppable(words, /*keep_output=*/true);
  nlohmann::json answer = answer_of(end);
  if (answer.is_null()) {
    throw EngineError(failure + (end.status ? "the tool ended with " + std::to_string(*end.status)
                                            : "the tool was ended by signal " + std::to_string(end.signal) +
                                                  " (9: most likely there is too little memory)"));
  }
  if (answer.contains("fault")) {
    const std::string words_of_it = failure + answer.at("fault").get<std::string>();
    if (answer.value("kind", "") == "world") {
      throw EngineError(words_of_it);
    }
    throw InvalidInput(words_of_it);
  }
  return answer;
}

}  // namespace endorm
