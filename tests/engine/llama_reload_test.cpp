#include <cstddef>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

#include "engine/llama/llama_engine.h"
#include "tests/engine/sequences.h"

// A model that is loaded, used and dropped again and again leaves nothing behind. The address sanitizer keeps freed
// memory on purpose, so there only its own search for leaks counts.
namespace endorm {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  REQUIRE(static_cast<bool>(file >> size >> resident));
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void load_and_use(const LlamaEngineOptions& options) {
  const auto engine = make_llama_engine(options);
  Sequence sequence{{1, 2, 3}, {}};
  for (Token token = 4; token < 100; ++token) {
    sequence.continuation.push_back(token);
  }
  REQUIRE(evaluate_together(*engine, {{sequence}}).front().size() == sequence.continuation.size());
}

TEST_CASE("a model reloaded 50 times does not grow") {
  constexpr std::size_t kWarmUp = 10;  // until the allocator's pools are as large as they get
  constexpr std::size_t kReloads = 50;
  constexpr std::size_t kAllowed = std::size_t{4} << 20;
  for (const Precision precision : {Precision::kExact, Precision::kNative}) {
    LlamaEngineOptions options;
    options.model_path = tiny_model_path("gemma3");
    options.template_source = TemplateSource::kRaw;
    options.precision = precision;
    options.threads = 2;
    options.gpu_layers = 0;
    options.hash_model = false;
    std::size_t before = 0;
    for (std::size_t i = 0; i < kWarmUp + kReloads; ++i) {
      load_and_use(options);
      before = i + 1 == kWarmUp ? resident_bytes() : before;
    }
    const std::size_t after = resident_bytes();
    const std::string name = precision == Precision::kExact ? "exact" : "native";
    MESSAGE(name, ": ", before / 1024, " KiB after ", kWarmUp, " loads, ", after / 1024, " KiB after ",
            kWarmUp + kReloads);
    CHECK((kSanitized || after <= before + kAllowed));
  }
}

}  // namespace
}  // namespace endorm
