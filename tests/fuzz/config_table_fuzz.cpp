// Arbitrary bytes taken for a configuration: every kind of key is read, or the file is refused with InvalidInput.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/config_table.h"
#include "tests/fuzz/memory_file.h"

namespace {

void read_some(endorm::ConfigTable& table) {
  bool flag = false;
  double number = 0.0;
  std::size_t count = 0;
  std::string text;
  std::optional<double> limit;
  std::vector<std::pair<std::size_t, double>> schedule;
  std::string choice = "grpo";
  table.read("flag", flag, "");
  table.read("learning_rate", number, "", endorm::kAboveZero);
  table.read("steps", count, "", endorm::kFromOne);
  table.read("model", text, "");
  table.read("limit", limit, "", endorm::kShare);
  table.read_points("weight", schedule, "");
  table.read_choice("algorithm", choice, {"grpo", "rloo"}, "");
  if (choice != "grpo" && choice != "rloo") {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const endorm::MemoryFile file(data, size);
  try {
    endorm::ConfigTable table(file.path());
    read_some(table);
    endorm::ConfigTable update = table.table("update");
    read_some(update);
    update.refuse_others();
    for (endorm::ConfigTable& reward : table.tables("reward")) {
      read_some(reward);
      reward.refuse_others();
    }
    table.refuse_others();
  } catch (const endorm::InvalidInput&) {
  }
  return 0;
}
