#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/judged.h"
#include "eval/statistics.h"

namespace endorm {

// What a tied pair counts as.
enum class TieRule {
  kOwn,    // the benchmark's own rule
  kWrong,  // not right
  kHalf,   // half right
};

// Below so many groups no bootstrap is quoted, and nothing is called the best.
inline constexpr std::size_t kFewGroups = 20;

// One number of a benchmark. What failed is neither in value nor in n.
struct Figure {
  std::string name;             // "accuracy", "hard", "F1", ...
  std::string group;            // what it is of: a domain, section, split; "all"
  std::string variant;          // of the step scores; empty elsewhere
  std::optional<double> value;  // absent where nothing is left to be averaged
  bool fraction = true;         // value is a share in 0..1 (shown as a percentage); false: a number of another kind
  std::size_t n = 0;            // verdicts (comparisons, examples or steps) that the value rests on
  std::size_t groups = 0;       // that these belong to
  std::size_t ties = 0;         // of these: the judge preferred neither
  std::size_t failed = 0;       // beside n: no verdict
  std::optional<double> other_ties;    // the value by the other rule of ties, where it differs
  std::optional<Interval> interval;    // of value, at MetricOptions::bootstrap.level
  std::string interval_by;             // "bootstrap", "wilson"; empty where there is none
  std::optional<double> p_value;       // where value is a difference: of no difference
  std::string p_value_by;              // "bootstrap", "exact"; empty where there is none
  std::optional<double> holm_p_value;  // p_value, corrected for the judges that stand beside
};

// A table of figures of one kind.
struct Matrix {
  std::string name;    // "accuracy"
  std::string group;   // what it is of
  std::string row;     // what rows are: "chosen", "system message"
  std::string column;  // what columns are: "rejected", "test set"
  std::vector<std::string> rows;
  std::vector<std::string> columns;
  std::vector<Figure> cells;  // [rows, columns], row by row
};

struct MetricTable {
  std::string benchmark;
  std::vector<Figure> figures;  // the first is the one to quote
  std::vector<Matrix> matrices;
  std::vector<std::string> notes;  // in sentences: parts that are missing, how a threshold was chosen
  std::optional<TieRule> ties;     // what a tied pair counts as, where pairs are compared; not kOwn
};

struct MetricOptions {
  BootstrapOptions bootstrap;
  TieRule ties = TieRule::kOwn;
  // Step scores become verdicts by a threshold: a step below it is wrong. It is the one with the best F1 on these
  // examples, which are reported apart and marked. A subset's name, or "half": the half of the groups that
  // is_selection_half names. Empty: "gsm8k" for processbench, "half" for others.
  std::string fit_split;
  std::optional<double> threshold;  // given: nothing is fitted, and every split is reported alike
  std::uint64_t half_seed = 0;
};

// The figures of a benchmark (docs/benchmarks.md has their formulas) for one judge. Examples of other benchmarks, or an
// empty list, are not refused: figures whose parts are missing are absent, and notes say so. Throws InvalidInput on an
// unknown benchmark (listing the known ones), an unknown fit_split, bad bootstrap options, and on a row that
// contradicts itself: an index beyond its responses, or step scores that are not as many as its steps.
MetricTable measure(std::string_view benchmark, std::span<const JudgedExample> judged,
                    const MetricOptions& options = {});

// Figures of a benchmark's examples that need no judge: of several responses, of which each is right or wrong, what a
// random one, the vote and the best of some give. None where a benchmark has no such figures. Throws as measure does.
std::optional<MetricTable> measure_without_judge(std::string_view benchmark, std::span<const Example> examples,
                                                 const MetricOptions& options = {});

// 1 - C(n - c, j) / C(n, j): the chance that one of j of n responses, of which c are right, is right (Chen et al. 2021,
// arXiv:2107.03374). Throws InvalidInput unless 1 <= j <= n and c <= n.
double pass_at(std::size_t j, std::size_t n, std::size_t c);

// Whether a group is in the half on which settings are chosen; the other half is for reporting. By a hash of both.
bool is_selection_half(std::string_view group, std::uint64_t seed);

// Two judges on the same verdicts.
struct ComparedFigure {
  Figure first;  // both over the verdicts that both judges gave
  Figure second;
  std::optional<double> difference;  // first less second
  std::optional<Interval> interval;  // of the difference: both judges' verdicts of a group are drawn together
  std::string interval_by;           // as of Figure
  std::optional<double> p_value;     // of no difference: the one to quote
  std::string p_value_by;
  std::optional<double> holm_p_value;  // p_value, corrected for the judges that the first is compared with
};

struct JudgeComparison {
  std::string benchmark;
  std::vector<ComparedFigure> figures;
  std::size_t examples = 0;    // in both
  std::size_t first_only = 0;  // examples that only one judge has: left out
  std::size_t second_only = 0;
  // McNemar over right and wrong of every verdict. It takes verdicts as independent: where a group has several
  // (clustered), its p-value is too small, and that of the first figure is the one to quote.
  std::size_t right_first_only = 0;
  std::size_t right_second_only = 0;
  double mcnemar_p_value = 1.0;
  bool clustered = false;
  std::vector<std::string> notes;
};

// Throws InvalidInput as measure does, and where an id has another key in the other list: not the same data.
JudgeComparison compare_judges(std::string_view benchmark, std::span<const JudgedExample> first,
                               std::span<const JudgedExample> second, const MetricOptions& options = {});

// Correlation of reward with length. Within a prompt: of deviations from the prompt's mean (Spearman: of ranks within
// the prompt, less their mean), over all responses of prompts with at least two.
struct LengthCorrelation {
  std::string unit;          // "characters" or "tokens"
  std::size_t n = 0;         // responses with a reward and a length
  std::size_t n_within = 0;  // of these, in prompts with at least two
  std::optional<double> pearson;
  std::optional<double> spearman;
  std::optional<double> pearson_within;
  std::optional<double> spearman_within;
};

// Of characters, and of tokens where the judge read tokens.
std::vector<LengthCorrelation> length_correlations(std::span<const JudgedExample> judged);

// calibrate() of every margin that is there.
Calibration calibration(std::span<const JudgedExample> judged, std::size_t bins = 10);

}  // namespace endorm
