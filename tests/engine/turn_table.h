#pragma once

#include <string>
#include <vector>

namespace endorm {

// What is known of one template, under one set of arguments.
struct TurnRow {
  std::string name;
  std::string arguments;
  std::string prompt;          // what the generation prompt ends with, behind the question
  std::string block = {};      // what closes the reasoning that it opened
  std::string header = {};     // what a model must write before an answer
  std::string end = {};        // the token that ends a finished answer
  std::string answer = {};     // what stands before an answer alone, behind the question; empty: as drawn
  std::string tool_call = {};  // "yes", or why none can be written
};

// Holds the table of docs/turns.md equal to rows; with ENDORM_WRITE_TURN_TABLE in the environment, writes it.
void check_turn_table(const std::vector<TurnRow>& rows);

}  // namespace endorm
