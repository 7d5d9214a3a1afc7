#include "app/cli/stop_notice.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <string_view>

#include <unistd.h>

#include "report/terminal_text.h"

namespace endorm {
namespace {

// Two texts of which the handler reads the one that is named; the other may be written meanwhile.
std::array<std::string, 2> texts;
std::atomic<int> named = 0;

void stop(int signal) {
  std::string_view text = texts[static_cast<std::size_t>(named.load())];
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) {
      break;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  ::raise(signal);  // SA_RESETHAND: by default it ends the process
}

}  // namespace

StopNotice::StopNotice() : actions_(stop, static_cast<int>(SA_RESETHAND)) {}

StopNotice::~StopNotice() { say(""); }

void StopNotice::say(const std::string& text) {
  const int other = 1 - named.load();
  texts[static_cast<std::size_t>(other)] = text.empty() ? "" : "\nendorm: stopped. " + text + "\n";
  named = other;
}

std::string what_is_kept(const std::string& file, std::size_t records) {
  if (file == "-") {
    return "What was printed is all that is kept. With -o FILE the same command goes on where it was stopped.";
  }
  return file + " keeps " + counted(records, "record") + "; the same command goes on from there.";
}

}  // namespace endorm
