#include "report/records_table.h"

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/reward.h"
#include "report/result_file.h"
#include "report/terminal_text.h"
#include "report/text_table.h"

namespace endorm {
namespace {

std::string padded(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}

// Columns left of the text: mark, role, reward, nats per token, tokens, gap.
constexpr std::size_t kColumns = 4 + 8 + 10 + 10 + 8 + 2;
constexpr std::size_t kLeastText = 20;  // where fewer are left, texts stand on a line of their own

// The highest reward of a record; none where fewer than two have one.
std::optional<double> best_of(const ResultRow& row) {
  std::optional<double> best;
  std::size_t scored = 0;
  for (const ResultResponse& response : row.responses) {
    scored += response.reward ? 1 : 0;
    if (response.reward && (!best || *response.reward > *best)) {
      best = response.reward;
    }
  }
  return scored > 1 ? best : std::nullopt;
}

std::string role_of(const ResultRow& row, std::size_t response) {
  return !row.chosen ? std::to_string(response + 1) : response == *row.chosen ? "chosen" : "rejected";
}

void add_record(std::ostringstream& out, const ResultRow& row, std::size_t width) {
  const bool own_line = width < kColumns + kLeastText;
  const std::size_t text_width = own_line ? std::max<std::size_t>(width, kLeastText) - 4 : width - kColumns;
  out << '\n' << terminal_line(row.id, std::max<std::size_t>(width, kLeastText)) << '\n';
  if (!row.error.empty()) {
    out << "    could not be scored: " << terminal_line(row.error) << '\n';
    return;
  }
  const std::optional<double> best = best_of(row);
  for (std::size_t i = 0; i < row.responses.size(); ++i) {
    const ResultResponse& response = row.responses[i];
    const std::string role = role_of(row, i);
    if (!response.reward) {
      out << "    " << padded(role, 8) << "  could not be scored: " << terminal_line(response.error) << '\n';
      continue;
    }
    out << (response.reward == best ? "  * " : "    ") << padded(role, 8)
        << padded(fixed_digits(*response.reward, 2), 10)
        << padded(response.mean_log_prob ? fixed_digits(*response.mean_log_prob, 2) : kAbsentCell, 10)
        << padded(response.tokens ? std::to_string(*response.tokens) : kAbsentCell, 8);
    if (!response.text.empty()) {
      out << (own_line ? "\n    " : "  ") << terminal_line(response.text, text_width);
    }
    out << '\n';
  }
}

}  // namespace

std::string render_records_table(std::istream& lines, std::size_t width, std::size_t max_records) {
  std::ostringstream out;
  out << "    " << padded("response", 8) << padded("reward", 10) << padded("nats/tok", 10) << padded("tokens", 8)
      << (width < kColumns + kLeastText ? "" : "  text") << '\n';
  PairCount pairs;
  std::size_t records = 0;
  std::size_t failed_records = 0;
  std::size_t failed_responses = 0;
  read_results(lines, [&](const ResultRow& row) {
    if (records++ < max_records) {
      add_record(out, row, width);
    }
    failed_records += row.error.empty() ? 0 : 1;
    for (const ResultResponse& response : row.responses) {
      failed_responses += response.reward ? 0 : 1;
    }
    count_pair(row, pairs);
  });
  out << '\n';
  if (records > max_records) {
    out << "the first " << max_records << " of " << records << " records are listed\n";
  }
  out << counted(records, "record") << "; " << counted(failed_records, "record") << " and "
      << counted(failed_responses, "response") << " could not be scored; * is the highest reward of a record\n";
  if (pairs.total() > 0) {
    const auto [low, high] = pairs.interval();
    out << "the chosen response has the higher reward in " << pairs.won << " of " << pairs.total()
        << " pairs: " << fixed_digits(100.0 * pairs.accuracy(), 1) << " % (95 % interval "
        << fixed_digits(100.0 * low, 1) << " to " << fixed_digits(100.0 * high, 1) << ")";
    if (pairs.tied > 0) {
      out << ", " << pairs.tied << " tied (not won)";
    }
    out << '\n';
  }
  return out.str();
}

DataTable records_data(std::istream& lines) {
  DataTable table({"record", "response", "highest", "reward", "log_prob_per_token", "tokens", "error"});
  read_results(lines, [&](const ResultRow& row) {
    if (!row.error.empty()) {
      table.add({row.id, {}, {}, {}, {}, {}, row.error});
    }
    const std::optional<double> best = best_of(row);
    for (std::size_t i = 0; i < row.responses.size(); ++i) {
      const ResultResponse& response = row.responses[i];
      const bool highest = response.reward && response.reward == best;
      table.add({row.id, role_of(row, i), std::string(highest ? "yes" : ""), cell_of(response.reward),
                 cell_of(response.mean_log_prob), cell_of(response.tokens), response.error});
    }
  });
  return table;
}

}  // namespace endorm
