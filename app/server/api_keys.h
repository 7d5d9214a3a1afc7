#pragma once

#include <mutex>
#include <string>
#include <vector>

namespace endorm {

// The keys of which requests must bring one. Thread-safe.
class ApiKeys {
 public:
  // given: themselves. file: has others, one a line, white space around them and what follows "#" apart; empty: none.
  // Throws InvalidInput on a key that no request can bring: of white space, or with some at its ends; and on a file
  // that cannot be read or has none.
  ApiKeys(std::vector<std::string> given, std::string file);

  // Whether any is asked for.
  bool asked() const { return !given_.empty() || !file_.empty(); }
  // Of the value of the field Authorization: "Bearer", in any case, and a key.
  bool allow(const std::string& authorization) const;
  // Reads the file again. Throws as the constructor, and then keeps the keys that there were.
  void read_again();

 private:
  std::vector<std::string> given_;
  std::string file_;
  mutable std::mutex mutex_;
  std::vector<std::string> of_file_;
};

}  // namespace endorm
