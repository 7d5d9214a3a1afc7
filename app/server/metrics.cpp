#include "app/server/metrics.h"

#include <fstream>
#include <sstream>

#include <sys/resource.h>
#include <unistd.h>

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

template <std::size_t kCount>
void rows(std::ostream& out, const std::string& name, const std::string& label, const Histogram<kCount>& histogram) {
  for (std::size_t i = 0; i < kCount; ++i) {
    out << name << "_bucket{" << label << ",le=\"" << histogram.borders[i] << "\"} " << histogram.at_most[i] << '\n';
  }
  out << name << "_bucket{" << label << ",le=\"+Inf\"} " << histogram.count << '\n'
      << name << "_sum{" << label << "} " << histogram.sum << '\n'
      << name << "_count{" << label << "} " << histogram.count << '\n';
}

template <typename Read>
void histogram_of_each(std::ostream& out, const std::map<std::string, ModelCounts>& models, const char* name,
                       const char* help, Read read) {
  head(out, name, "histogram", help);
  for (const auto& [model, counts] : models) {
    rows(out, name, "model=" + quoted(model), read(counts.queue));
  }
}

template <typename Read>
void of_each(std::ostream& out, const std::map<std::string, ModelCounts>& models, const char* name, const char* type,
             const char* help, Read read) {
  head(out, name, type, help);
  for (const auto& [model, counts] : models) {
    out << name << "{model=" << quoted(model) << "} " << read(counts.queue) << '\n';
  }
}

// What Prometheus' own clients tell of a process, under their names.
void tell_process(std::ostream& out, std::time_t begun) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  head(out, "process_start_time_seconds", "gauge", "When the process began, in seconds since 1970.");
  out << "process_start_time_seconds " << begun << '\n';
  head(out, "process_cpu_seconds_total", "counter", "Seconds that processors gave the process.");
  out << "process_cpu_seconds_total " << seconds(used.ru_utime) + seconds(used.ru_stime) << '\n';
  std::size_t pages = 0;
  std::size_t resident = 0;
  if (std::ifstream("/proc/self/statm") >> pages >> resident) {
    head(out, "process_resident_memory_bytes", "gauge", "Memory of the process that is in RAM.");
    out << "process_resident_memory_bytes " << resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) << '\n';
  }
}

}  // namespace

void Metrics::answered(const std::string& route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++answers_[{route, status}];
  latencies_.try_emplace(route, kSecondBorders).first->second.add(seconds);
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

std::string Metrics::text(const std::map<std::string, ModelCounts>& models, std::size_t connections,
                          std::size_t held_bytes, const std::string& version) const {
  std::ostringstream out;
  out.precision(12);
  using Counts = const QueueCounts&;
  of_each(out, models, "endorm_responses_scored_total", "counter", "Responses that were scored.",
          [](Counts counts) { return counts.responses; });
  of_each(out, models, "endorm_batches_total", "counter", "Batches that were computed.",
          [](Counts counts) { return counts.batches; });
  of_each(out, models, "endorm_tokens_asked_total", "counter",
          "Tokens of prompts and responses that were to be scored.", [](Counts counts) { return counts.tokens_asked; });
  of_each(out, models, "endorm_tokens_computed_total", "counter",
          "Tokens that went through the model; the rest of those asked was shared or known.",
          [](Counts counts) { return counts.tokens_computed; });
  of_each(out, models, "endorm_shared_token_ratio", "gauge",
          "Part of the tokens asked that were not computed, since the start.", [](Counts counts) {
            return counts.tokens_asked > counts.tokens_computed
                       ? 1.0 - static_cast<double>(counts.tokens_computed) / static_cast<double>(counts.tokens_asked)
                       : 0.0;
          });
  of_each(out, models, "endorm_model_seconds_total", "counter", "Seconds that the model computed.",
          [](Counts counts) { return counts.seconds; });
  of_each(out, models, "endorm_waiting_responses", "gauge", "Responses that wait to be computed.",
          [](Counts counts) { return counts.waiting; });
  of_each(out, models, "endorm_waiting_tokens", "gauge",
          "Tokens that wait to be computed: prompts once a request, responses, and what is to be drawn.",
          [](Counts counts) { return counts.waiting_tokens; });
  histogram_of_each(
      out, models, "endorm_queue_wait_seconds", "Time from a request's coming to its first slice.",
      [](Counts counts) -> const auto& { return counts.wait; });
  histogram_of_each(
      out, models, "endorm_slice_seconds", "Time of a slice: what is computed before others are seen.",
      [](Counts counts) -> const auto& { return counts.slice_seconds; });
  histogram_of_each(
      out, models, "endorm_slice_tokens", "Tokens that a slice computed, drawn ones among them.",
      [](Counts counts) -> const auto& { return counts.slice_tokens; });
  const std::lock_guard lock(mutex_);
  head(out, "endorm_texts_noted_total", "counter",
       "Texts of requests with something to be told of: docs/serving.md has the kinds.");
  for (const auto& [model, counts] : models) {
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
    rows(out, "endorm_request_seconds", "route=" + quoted(route), latency);
  }
  head(out, "endorm_requests_in_flight", "gauge", "Requests that are being answered.");
  out << "endorm_requests_in_flight " << in_flight_ << '\n';
  head(out, "endorm_requests_given_up_total", "counter", "Requests whose client left or whose time was over.");
  out << "endorm_requests_given_up_total " << gave_up_ << '\n';
  head(out, "endorm_connections", "gauge", "Connections that are open.");
  out << "endorm_connections " << connections << '\n';
  head(out, "endorm_held_bytes", "gauge",
       "Bytes that requests hold: bodies, what was read of them, tokens, large answers on their way.");
  out << "endorm_held_bytes " << held_bytes << '\n';
  head(out, "endorm_build_info", "gauge", "What was built, always 1.");
  out << "endorm_build_info{version=" << quoted(version) << ",compiler=" << quoted(__VERSION__) << "} 1\n";
  head(out, "endorm_model_info", "gauge", "What is served under a name, always 1.");
  for (const auto& [model, counts] : models) {
    out << "endorm_model_info{model=" << quoted(model) << ",file=" << quoted(counts.file) << "} 1\n";
  }
  head(out, "endorm_model_loaded_seconds", "gauge", "When the server had that model, in seconds since 1970.");
  for (const auto& [model, counts] : models) {
    out << "endorm_model_loaded_seconds{model=" << quoted(model) << "} " << counts.created << '\n';
  }
  tell_process(out, begun_);
  return out.str();
}

}  // namespace endorm
