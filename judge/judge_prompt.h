#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace endorm {

// What a judge asks a language model, as a file words it:
//   # endorm prompt NAME version N
//   ## system
//   (text of the system message)
//   ## user
//   (text of the user message, with slots such as {query})
// Both texts end before the file's last newline. To change a word is to give the file another version.
class JudgePrompt {
 public:
  // Throws InternalError where the file is not of this form.
  explicit JudgePrompt(std::string_view file);

  // The two messages, each slot replaced by its value; braces inside a value are text. Throws InternalError where a
  // slot has no value.
  std::vector<Message> fill(const std::map<std::string, std::string>& values) const;
  // "NAME version N sha256=...": of the whole file.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  std::string fingerprint_;
  std::string system_;
  std::string user_;
};

// A conversation as the query that a judge is shown: a single user message as it is, anything else turn by turn under
// its roles, "[user]" and so on.
std::string query_text(std::span<const Message> messages);

}  // namespace endorm
