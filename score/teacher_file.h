#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "score/npz_file.h"
#include "score/score_run.h"

namespace endorm {

// What a teacher says of every token of a data set, for a student that is trained without it: log pi of the token and
// the likeliest of its place, as arrays of a .npz file (docs/records.md). Log-probabilities are float32, and none is
// NaN: a response that has none is of length 0, and "errors" has the reason.
class TeacherFile final : public RecordSink {
 public:
  // likeliest: K of [N, K]. manifest: of the run, as JSON. Throws as NpzFile.
  TeacherFile(const std::string& path, std::string_view writer, std::size_t likeliest, const std::string& manifest);

  void take(const Request& request, const Scored& scored) override;
  void take_fault(const RecordFault& fault) override;
  void sync() override {}
  // Last call. Throws EngineError where the disk fails.
  void commit();

 private:
  void take_response(const ScoredOutcome& outcome, std::size_t place);
  void take_record(const nlohmann::ordered_json& id, std::size_t line);
  void add_error(const nlohmann::ordered_json& response, const std::string& error);

  NpzFile file_;
  std::size_t likeliest_;
  std::size_t token_ids_;
  std::size_t log_probs_;
  std::size_t top_ids_;
  std::size_t top_log_probs_;
  std::size_t offsets_;
  std::size_t records_of_;
  std::size_t responses_of_;
  std::size_t lines_;
  std::size_t ids_;
  std::size_t errors_;
  std::int64_t tokens_ = 0;
  std::int64_t records_ = 0;
  bool any_error_ = false;
};

}  // namespace endorm
