#include "report/table.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "core/reward.h"
#include "report/result_file.h"

namespace endorm {
namespace {

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}

// The first characters of a text on one line, at most `width` of them.
std::string excerpt_of(const std::string& text, std::size_t width) {
  std::string line;
  std::size_t characters = 0;
  for (const char byte : text) {
    const bool starts_character = (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
    if (starts_character && ++characters > width) {
      return line + "...";
    }
    line += static_cast<unsigned char>(byte) < 0x20 ? ' ' : byte;
  }
  return line;
}

void add_record(std::ostringstream& out, const ResultRow& row, std::size_t text_width) {
  out << '\n' << excerpt_of(row.id, text_width) << '\n';
  if (!row.error.empty()) {
    out << "  could not be scored: " << row.error << '\n';
    return;
  }
  std::optional<double> best;
  for (const ResultResponse& response : row.responses) {
    if (response.reward && (!best || *response.reward > *best)) {
      best = response.reward;
    }
  }
  for (std::size_t i = 0; i < row.responses.size(); ++i) {
    const ResultResponse& response = row.responses[i];
    const std::string role = !row.chosen ? std::to_string(i + 1) : i == *row.chosen ? "chosen" : "rejected";
    if (!response.reward) {
      out << "    " << padded(role, 8) << "  could not be scored: " << response.error << '\n';
      continue;
    }
    out << (response.reward == best ? "  * " : "    ") << padded(role, 8) << padded(fixed(*response.reward, 2), 10)
        << padded(fixed(response.mean_log_prob, 2), 10) << padded(std::to_string(response.tokens), 8) << "  "
        << excerpt_of(response.text, text_width) << '\n';
  }
}

}  // namespace

std::string render_table(std::istream& lines, std::size_t width, std::size_t max_records) {
  constexpr std::size_t kColumns = 48;  // what stands left of the text
  const std::size_t text_width = std::max<std::size_t>(width, kColumns + 20) - kColumns;
  std::ostringstream out;
  out << "    " << padded("response", 8) << padded("reward", 10) << padded("nats/tok", 10) << padded("tokens", 8)
      << "  text\n";
  PairCount pairs;
  std::size_t records = 0;
  std::size_t failed = 0;
  read_results(lines, [&](const ResultRow& row) {
    if (records++ < max_records) {
      add_record(out, row, text_width);
    }
    failed += row.error.empty() ? 0 : 1;
    count_pair(row, pairs);
  });
  out << '\n';
  if (records > max_records) {
    out << "the first " << max_records << " of " << records << " records are listed\n";
  }
  out << records << " records, " << failed << " could not be scored; * is the best response of its record\n";
  if (pairs.total() > 0) {
    const auto [low, high] = pairs.interval();
    out << "the chosen response has the higher reward in " << pairs.won << " of " << pairs.total()
        << " pairs: " << fixed(100.0 * pairs.accuracy(), 1) << " % (95 % interval " << fixed(100.0 * low, 1) << " to "
        << fixed(100.0 * high, 1) << ")";
    if (pairs.tied > 0) {
      out << ", " << pairs.tied << " tied";
    }
    out << '\n';
  }
  return out.str();
}

}  // namespace endorm
