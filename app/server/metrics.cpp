#include "app/server/metrics.h"

#include <sstream>

namespace endorm {
namespace {

// A label's value, with the characters escaped that the format gives a meaning.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char byte : text) {
    if (byte == '\n') {
      result += "\\n";
    } else {
      result += byte == '"' || byte == '\\' ? std::string{'\\', byte} : std::string{byte};
    }
  }
  return result + "\"";
}

void head(std::ostream& out, const char* name, const char* type, const char* help) {
  out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
}

template <typename Read>
void of_each(std::ostream& out, const std::map<std::string, QueueCounts>& queues, const char* name, const char* type,
             const char* help, Read read) {
  head(out, name, type, help);
  for (const auto& [model, counts] : queues) {
    out << name << "{model=" << quoted(model) << "} " << read(counts) << '\n';
  }
}

}  // namespace

void Metrics::answered(const std::string& route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++answers_[{route, status}];
  Latency& latency = latencies_[route];
  for (std::size_t i = 0; i < kBuckets.size(); ++i) {
    latency.at_most[i] += seconds <= kBuckets[i] ? 1 : 0;
  }
  ++latency.at_most.back();
  latency.sum += seconds;
}

void Metrics::in_flight(int change) {
  const std::lock_guard lock(mutex_);
  in_flight_ += change;
}

void Metrics::noted(const std::string& model, TextNote note) {
  const std::lock_guard lock(mutex_);
  ++notes_[{model, note}];
}

void Metrics::gave_up() {
  const std::lock_guard lock(mutex_);
  ++gave_up_;
}

std::string Metrics::text(const std::map<std::string, QueueCounts>& queues) const {
  std::ostringstream out;
  out.precision(12);
  using Counts = const QueueCounts&;
  of_each(out, queues, "endorm_responses_scored_total", "counter", "Responses that were scored.",
          [](Counts counts) { return counts.responses; });
  of_each(out, queues, "endorm_batches_total", "counter", "Batches that were computed.",
          [](Counts counts) { return counts.batches; });
  of_each(out, queues, "endorm_tokens_asked_total", "counter",
          "Tokens of prompts and responses that were to be scored.", [](Counts counts) { return counts.tokens_asked; });
  of_each(out, queues, "endorm_tokens_computed_total", "counter",
          "Tokens that went through the model; the rest of those asked was shared or known.",
          [](Counts counts) { return counts.tokens_computed; });
  of_each(out, queues, "endorm_shared_token_ratio", "gauge",
          "Part of the tokens asked that were not computed, since the start.", [](Counts counts) {
            return counts.tokens_asked > counts.tokens_computed
                       ? 1.0 - static_cast<double>(counts.tokens_computed) / static_cast<double>(counts.tokens_asked)
                       : 0.0;
          });
  of_each(out, queues, "endorm_model_seconds_total", "counter", "Seconds that the model computed.",
          [](Counts counts) { return counts.seconds; });
  of_each(out, queues, "endorm_waiting_responses", "gauge", "Responses that wait to be computed.",
          [](Counts counts) { return counts.waiting; });
  const std::lock_guard lock(mutex_);
  head(out, "endorm_texts_noted_total", "counter",
       "Texts of requests with something to be told of: docs/serving.md has the kinds.");
  for (const auto& [model, counts] : queues) {
    for (const TextNote note : kTextNotes) {
      const auto found = notes_.find({model, note});
      out << "endorm_texts_noted_total{model=" << quoted(model) << ",kind=\"" << text_note_name(note) << "\"} "
          << (found == notes_.end() ? 0 : found->second) << '\n';
    }
  }
  head(out, "endorm_requests_total", "counter", "Requests that were answered.");
  for (const auto& [key, count] : answers_) {
    out << "endorm_requests_total{route=" << quoted(key.first) << ",status=\"" << key.second << "\"} " << count << '\n';
  }
  head(out, "endorm_request_seconds", "histogram", "Time from a request's last byte to its answer.");
  for (const auto& [route, latency] : latencies_) {
    const std::string label = "{route=" + quoted(route);
    for (std::size_t i = 0; i < kBuckets.size(); ++i) {
      out << "endorm_request_seconds_bucket" << label << ",le=\"" << kBuckets[i] << "\"} " << latency.at_most[i]
          << '\n';
    }
    out << "endorm_request_seconds_bucket" << label << ",le=\"+Inf\"} " << latency.at_most.back() << '\n'
        << "endorm_request_seconds_sum" << label << "} " << latency.sum << '\n'
        << "endorm_request_seconds_count" << label << "} " << latency.at_most.back() << '\n';
  }
  head(out, "endorm_requests_in_flight", "gauge", "Requests that are being answered.");
  out << "endorm_requests_in_flight " << in_flight_ << '\n';
  head(out, "endorm_requests_given_up_total", "counter", "Requests whose client left or whose time was over.");
  out << "endorm_requests_given_up_total " << gave_up_ << '\n';
  return out.str();
}

}  // namespace endorm
