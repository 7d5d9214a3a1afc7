#pragma once

#include <string>
#include <vector>

#include "eval/example.h"

namespace endorm {

// One problem of a suite, with the answer that is right.
struct MathProblem {
  std::string id;        // "SUITE/ID": the row's own id, or its number where it has none
  std::string key;       // record_key of everything below: what resume compares
  std::string suite;     // "math500"; of a file of one's own its stem
  std::string subject;   // empty where the suite names none
  std::string level;     // likewise
  std::string question;  // as it is asked, the options of a multiple choice behind it
  std::string reference;
  double tolerance = 0.0;  // GradeOptions::tolerance
};

struct MathProblemSet {
  std::vector<DataFile> files;        // path: the file's name alone
  std::vector<MathProblem> problems;  // suite by suite, in the order of the files; ids differ
  std::vector<RowFault> faults;       // rows that were left out; file: its name alone
};

}  // namespace endorm
