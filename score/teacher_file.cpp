#include "score/teacher_file.h"

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr Token kNoToken = -1;  // where a place has fewer tokens that are not masked

void append_text(NpzFile& file, std::size_t array, std::string_view text) {
  file.append(array, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

template <typename Number>
void append_one(NpzFile& file, std::size_t array, Number number) {
  file.append(array, std::span<const Number>(&number, 1));
}

// Throws InternalError on what is no number: the engine refuses such rows.
float checked(double log_prob) {
  if (std::isnan(log_prob)) {
    throw InternalError("[TeacherFile] a log-probability is NaN.");
  }
  return static_cast<float>(log_prob);
}

}  // namespace

TeacherFile::TeacherFile(const std::string& path, std::string_view writer, std::size_t likeliest,
                         const std::string& manifest)
    : file_(path, writer),
      likeliest_(likeliest),
      token_ids_(file_.add<std::int32_t>("token_ids")),
      log_probs_(file_.add<float>("log_probs")),
      top_ids_(file_.add<std::int32_t>("top_ids", likeliest)),
      top_log_probs_(file_.add<float>("top_log_probs", likeliest)),
      offsets_(file_.add<std::int64_t>("offsets")),
      records_of_(file_.add<std::int64_t>("record")),
      responses_of_(file_.add<std::int64_t>("response")),
      lines_(file_.add<std::int64_t>("line")),
      ids_(file_.add<std::uint8_t>("ids")),
      errors_(file_.add<std::uint8_t>("errors")) {
  append_text(file_, file_.add<std::uint8_t>("manifest"), manifest);
  append_one(file_, offsets_, tokens_);
}

void TeacherFile::take(const Request& request, const Scored& scored) {
  for (std::size_t place = 0; place < scored.responses.size(); ++place) {
    take_response(scored.responses[place], place);
  }
  take_record(request.id, request.line);
}

void TeacherFile::take_fault(const RecordFault& fault) {
  add_error(nullptr, fault.message);
  take_record(fault.id ? nlohmann::ordered_json(*fault.id) : nlohmann::ordered_json(), fault.line);
}

void TeacherFile::take_response(const ScoredOutcome& outcome, std::size_t place) {
  if (!outcome.scored) {
    add_error(place, outcome.error);
  } else {
    const ScoredResponse& response = *outcome.scored;
    std::vector<float> log_probs;
    std::vector<std::int32_t> top_ids;
    std::vector<float> top_log_probs;
    for (std::size_t token = 0; token < response.tokens.size(); ++token) {
      log_probs.push_back(checked(response.tokens[token].log_prob));
      const std::vector<LikelyToken>& likeliest = response.likeliest.at(token);
      for (std::size_t rank = 0; rank < likeliest_; ++rank) {
        const bool there = rank < likeliest.size();
        top_ids.push_back(there ? likeliest[rank].id : kNoToken);
        top_log_probs.push_back(there ? checked(likeliest[rank].log_prob) : -std::numeric_limits<float>::infinity());
      }
    }
    file_.append(token_ids_, std::span<const std::int32_t>(response.token_ids));
    file_.append(log_probs_, std::span<const float>(log_probs));
    file_.append(top_ids_, std::span<const std::int32_t>(top_ids));
    file_.append(top_log_probs_, std::span<const float>(top_log_probs));
    tokens_ += static_cast<std::int64_t>(response.tokens.size());
  }
  append_one(file_, offsets_, tokens_);
  append_one(file_, records_of_, records_);
  append_one(file_, responses_of_, static_cast<std::int64_t>(place));
}

void TeacherFile::take_record(const nlohmann::ordered_json& id, std::size_t line) {
  append_text(file_, ids_, (records_ == 0 ? "[" : ",") + id.dump());
  append_one(file_, lines_, static_cast<std::int64_t>(line));
  ++records_;
}

// response: its place, or null where the whole record is at fault.
void TeacherFile::add_error(const nlohmann::ordered_json& response, const std::string& error) {
  const nlohmann::ordered_json entry = {{"record", records_}, {"response", response}, {"error", error}};
  append_text(file_, errors_, (any_error_ ? "," : "[") + entry.dump());
  any_error_ = true;
}

void TeacherFile::commit() {
  append_text(file_, ids_, records_ == 0 ? "[]" : "]");
  append_text(file_, errors_, any_error_ ? "]" : "[]");
  file_.commit();
}

}  // namespace endorm
