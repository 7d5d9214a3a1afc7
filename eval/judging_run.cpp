#include "eval/judging_run.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "core/errors.h"
#include "eval/judged_json.h"
#include "score/window_size.h"

namespace endorm {
namespace {

std::size_t failures_of(const JudgedExample& judged) {
  if (!judged.comparisons.empty()) {
    return static_cast<std::size_t>(std::count_if(judged.comparisons.begin(), judged.comparisons.end(),
                                                  [](const JudgedComparison& pair) { return !pair.margin; }));
  }
  return static_cast<std::size_t>(std::count_if(judged.responses.begin(), judged.responses.end(),
                                                [](const JudgedResponse& response) { return !response.reward; }));
}

// How many examples the window that begins at `begin` has.
std::size_t window_size(std::span<const Example> examples, std::size_t window) {
  FillingWindow filling(window);
  std::size_t size = 0;
  while (size < examples.size() && filling.takes_more()) {
    filling.add(text_bytes(examples[size++]));
  }
  return size;
}

}  // namespace

std::size_t text_bytes(const Example& example) {
  if (example.request.responses.empty()) {
    return 0;  // nobody is asked
  }
  std::size_t bytes = 0;
  for (const Message& message : example.request.messages) {
    bytes += message.content.size();
  }
  for (const RequestResponse& response : example.request.responses) {
    bytes += response.text.text.size();
  }
  return bytes;
}

std::vector<JudgedExample> read_judged_rows(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line)) {  // the manifest
    throw InvalidInput("[read_judged_rows] cannot read " + path);
  }
  std::vector<JudgedExample> rows;
  while (std::getline(file, line)) {
    rows.push_back(read_judged_row(line));
  }
  return rows;
}

std::vector<JudgedExample> run_judge(std::span<const Example> examples, Scorer& scorer, const JudgingOptions& options,
                                     ResultLog* log, std::vector<JudgedExample> finished,
                                     const std::function<void(const JudgingProgress&)>& progress) {
  if (log != nullptr) {
    log->check_finished_count(examples.size());
    for (std::size_t i = 0; i < finished.size(); ++i) {
      log->check_finished(i, examples[i].request.key);
      finished[i].correct = examples[i].correct;  // a newer grader's
      finished[i].vote = examples[i].vote;
    }
  }
  std::vector<JudgedExample> rows = std::move(finished);
  JudgingProgress so_far;
  so_far.resumed = rows.size();
  std::size_t begin = 0;
  for (std::size_t window = 0; begin < examples.size(); ++window) {
    const std::span<const Example> own = examples.subspan(begin, window_size(examples.subspan(begin), window));
    if (begin + own.size() > rows.size()) {
      std::vector<JudgedExample> judged = judge_examples(own, scorer, options);
      for (std::size_t i = rows.size() - begin; i < own.size(); ++i) {
        if (log != nullptr) {
          log->append(judged_row(judged[i]));
        }
        rows.push_back(std::move(judged[i]));
      }
      if (log != nullptr) {
        log->sync();
      }
    }
    for (std::size_t i = 0; i < own.size(); ++i) {
      so_far.bytes += text_bytes(own[i]);
      so_far.failures += failures_of(rows[begin + i]);
    }
    begin += own.size();
    so_far.examples = begin;
    if (progress) {
      progress(so_far);
    }
  }
  return rows;
}

}  // namespace endorm
