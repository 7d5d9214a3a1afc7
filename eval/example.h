#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/generator.h"
#include "score/record.h"

namespace endorm {

// Two responses of one request of which the first is known to be the better one.
struct Comparison {
  std::size_t better = 0;
  std::size_t worse = 0;
  std::string cell;  // what the figure is told apart by, e.g. "0,2" for RM-Bench's chosen 0 against rejected 2
};

// The steps of a solution: which is the first wrong one, counted from 0; none where all are right.
struct StepLabel {
  std::optional<std::size_t> first_error;
  std::optional<std::vector<bool>> wrong;  // [steps], where the set labels every step and not the first error alone
};

// What is known of answers that a model drew to a question of which the right answer is known. Lists are [responses].
struct DrawnAnswers {
  std::string reference;             // the right answer
  double tolerance = 0.0;            // GradeOptions::tolerance
  std::vector<std::string> answers;  // in the grader's spelling; empty where none can be read
  std::vector<std::string> reasons;  // Grade::reason
  std::vector<CompletionEnd> ends;
  std::vector<std::size_t> tokens;  // without the one that ended the turn
  std::string error;                // why there are none: the question could not be asked
};

// One question to a judge, with what is known about the answer. A row of a benchmark may become several (one a system
// message).
struct Example {
  Request request;                      // without responses where drawn->error says why
  std::string subset;                   // what figures are grouped by: domain, section, split, system message, suite
  std::string subject;                  // best-of-N sets: what they are grouped by within the subset; may be empty
  std::string level;                    // likewise
  std::string group;                    // examples of one group are drawn together by the bootstrap: the prompt's id
  std::vector<Comparison> comparisons;  // empty where the label is of another kind
  std::vector<bool> correct;            // [responses]: best-of-N sets; empty elsewhere
  std::vector<std::optional<std::size_t>> vote;  // [responses]: the place of a response with an equal answer, the same
                                                 // for all of a class; none: it has no answer. Empty: not known
  std::optional<DrawnAnswers> drawn;
  std::optional<StepLabel> steps;  // sets of stepwise solutions, with request.responses[0].step_begins
};

struct DataFile {
  std::string path;
  std::string sha256;
  std::size_t rows = 0;
};

// A row that cannot be used, and why.
struct RowFault {
  std::string file;     // its name, without the directory
  std::size_t row = 0;  // 1-based: its place in the file's array or its line
  std::string id;       // may be empty
  std::string message;
};

struct DataSet {
  std::string benchmark;
  std::vector<DataFile> files;
  std::vector<Example> examples;   // ids differ; in the order of the files and of their rows
  std::vector<RowFault> faults;    // rows that were left out
  std::vector<std::string> notes;  // what a reader of the figures must know: a part that was not there
};

}  // namespace endorm
