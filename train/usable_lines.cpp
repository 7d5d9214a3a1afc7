#include "train/usable_lines.h"

#include <filesystem>
#include <optional>

#include "core/errors.h"
#include "score/line_reader.h"

namespace endorm {

std::vector<LeftOutLine> use_lines(const std::string& path, const std::function<void(const InputLine&)>& use) {
  LineReader lines(path);
  std::vector<LeftOutLine> left_out;
  while (const std::optional<InputLine> line = lines.next()) {
    try {
      if (line->error) {
        throw InvalidInput(*line->error);
      }
      use(*line);
    } catch (const InvalidInput& error) {
      left_out.push_back({std::filesystem::path(path).filename().string(), line->number, error.what()});
    }
  }
  return left_out;
}

std::string why_none_is_left(const std::vector<LeftOutLine>& left_out) {
  return left_out.empty() ? ": it is empty"
                          : "; line " + std::to_string(left_out.front().line) + ": " + left_out.front().reason;
}

}  // namespace endorm
