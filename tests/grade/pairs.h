#pragma once

#include <string>
#include <vector>

namespace endorm {

// A row of tests/grade/pairs.tsv.
struct AnswerPair {
  std::string verdict;
  std::string answer;
  std::string reference;
};

std::vector<AnswerPair> read_pairs();

}  // namespace endorm
