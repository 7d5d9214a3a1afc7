#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "eval/example.h"
#include "eval/judged.h"
#include "eval/math_prompt.h"
#include "eval/math_row.h"
#include "eval/statistics.h"

namespace endorm {

// One number: how often the right answer is given, by one way of choosing among the k samples of a problem.
struct MathFigure {
  std::string metric;                // "avg@K" (a random sample; pass@1), "pass@J", "maj@K", "best@K"
  std::string judge;                 // of best@K; empty elsewhere
  std::string suite;                 // empty: the mean of the suites
  std::string subject;               // empty: all of them
  std::string level;                 // empty: all of them
  std::optional<double> value;       // 0..1; absent where no problem is left
  std::optional<Interval> interval;  // bootstrap over problems
  std::size_t n = 0;                 // problems
  std::size_t ties = 0;              // of them: several answers tie at the top; they count as the share of right ones
  std::size_t failed = 0;            // beside n: problems without samples, or of which the judge rewarded no sample
};

// A judge's choice against another way of choosing, on the problems that both have.
struct MathComparison {
  std::string judge;
  std::string against;               // "avg@K", "maj@K"
  std::string suite;                 // empty: the mean of the suites
  std::optional<double> difference;  // best@K less the other
  std::optional<Interval> interval;
  std::optional<double> p_value;  // of no difference, by the same bootstrap
  std::size_t n = 0;
};

// What the samples of a suite are like.
struct MathCounts {
  std::string suite;
  std::size_t problems = 0;
  std::size_t failed = 0;  // of these: could not be asked
  std::size_t samples = 0;
  std::size_t correct = 0;
  std::size_t wrong = 0;
  std::size_t unparsable = 0;
  std::size_t truncated = 0;  // reached max_tokens
  std::size_t stopped = 0;    // ended by a stop string
  std::size_t tokens = 0;
};

// One judge's rewards of the samples.
struct MathJudge {
  std::string name;
  std::string fingerprint;
  std::vector<JudgedExample> rows;  // of the problems that have samples, in their order
  std::size_t failed = 0;           // samples without a reward
};

// A problem's samples token by token, for people.
struct ShownSample {
  std::size_t sample = 0;
  double reward = 0.0;
  std::vector<std::string> token_texts;  // [T]
  std::vector<double> log_prob;          // [T]
};
struct ShownProblem {
  std::string id;
  std::vector<Message> messages;
  std::string judge;  // whose rewards these are
  std::vector<ShownSample> samples;
};

struct MathReport {
  std::string manifest;  // a JSON object: docs/math.md
  std::vector<RowFault> faults;
  std::vector<MathRow> rows;
  std::vector<MathJudge> judges;
  std::vector<ShownProblem> shown;
  // Computed from the above by measure_math.
  std::vector<MathCounts> counts;  // a suite each
  std::vector<MathFigure> figures;
  std::vector<MathComparison> comparisons;
};

// What a judge is asked about a problem: the conversation as the model saw it with the k samples as responses, those
// that did not end their turn marked as cut off. In the order of the rows, without those that have no samples. The key
// is of the problem and the texts: another grading changes none.
std::vector<Example> math_examples(std::span<const MathRow> rows, const MathPrompt& prompt);

// Fills counts, figures and comparisons; sets JudgedExample::correct by the rows. Throws InvalidInput where a judge's
// rows are not of these problems, and on bad bootstrap options.
void measure_math(MathReport& report, const BootstrapOptions& options);

// 1 - C(n - c, j) / C(n, j): the chance that one of j of n samples, of which c are right, is right (Chen et al. 2021,
// arXiv:2107.03374). Throws InvalidInput unless 1 <= j <= n and c <= n.
double pass_at(std::size_t j, std::size_t n, std::size_t c);

}  // namespace endorm
