#include "engine/llama_complaints.h"

#include <algorithm>
#include <mutex>
#include <string_view>
#include <utility>

#include <llama.h>
#include <mtmd-helper.h>

namespace endorm {
namespace {

// libllama and libmtmd report through one process-wide callback each.
class Complaints {
 public:
  static Complaints& instance() {
    static Complaints complaints;
    return complaints;
  }

  void add(std::string_view text) {
    const std::lock_guard lock(mutex_);
    constexpr std::size_t kKept = 2000;
    text_ += text;
    if (text_.size() > kKept) {
      text_.erase(0, text_.size() - kKept);
    }
  }

  std::string take() {
    const std::lock_guard lock(mutex_);
    std::string text = std::move(text_);
    text_.clear();
    std::replace(text.begin(), text.end(), '\n', ' ');
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

void keep(ggml_log_level level, const char* text, void*) {
  static ggml_log_level last = GGML_LOG_LEVEL_NONE;
  if (level != GGML_LOG_LEVEL_CONT) {
    last = level;
  }
  if (last == GGML_LOG_LEVEL_ERROR) {
    Complaints::instance().add(text);
  }
}

}  // namespace

std::string take_llama_complaints() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(keep, nullptr);
    mtmd_helper_log_set(keep, nullptr);  // of encoders, too
  });
  const std::string text = Complaints::instance().take();
  return text.empty() ? "no further reason given" : text;
}

}  // namespace endorm
