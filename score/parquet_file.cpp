#include "score/parquet_file.h"

#include <filesystem>
#include <utility>
#include <vector>

#include "core/ascii_lower.h"
#include "core/errors.h"
#include "engine/child_process.h"
#include "score/arrays_to_parquet.h"
#include "score/lines_to_parquet.h"

namespace endorm {
namespace {

bool runs(const std::vector<std::string>& words, bool keep_output) {
  return run_child({words, keep_output, {}}).status == 0;
}

void write(std::vector<std::string> words, const std::string& path) {
  words.insert(words.begin(), {"python3", "-c"});
  if (!runs(words, false)) {
    throw EngineError("[output] " + path + " was not written (the reason stands above).");
  }
}

}  // namespace

bool is_parquet_name(const std::string& path) {
  return ascii_lower(std::filesystem::path(path).extension().string()) == ".parquet";
}

void require_parquet_writer(const std::string& path) {
  bool ready = false;
  try {
    ready = runs({"python3", "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('pyarrow') is None)"}, true);
  } catch (const EngineError&) {
  }
  if (!ready) {
    throw InvalidInput("[output] " + path +
                       " is to be Parquet, which python3 writes with pyarrow, and that is not there. Give a name that "
                       "ends in .jsonl, or: pip install pyarrow, in the environment whose python3 comes first.");
  }
}

void write_parquet_of_lines(const std::string& lines, const std::string& path, bool has_manifest) {
  std::vector<std::string> words = {std::string(lines_to_parquet_py), lines, path};
  if (has_manifest) {
    words.emplace_back("manifest");
  }
  write(std::move(words), path);
}

void write_parquet_of_arrays(const std::string& arrays, const std::string& path) {
  write({std::string(arrays_to_parquet_py), arrays, path}, path);
}

}  // namespace endorm
