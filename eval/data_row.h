#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace endorm {

// A JSON object of a data file, read field by field. A field that is null counts as absent. Every reader throws
// InvalidInput naming the field, what was found and what was expected. Copies share their content.
class DataRow {
 public:
  // Throws InvalidInput where the text is not one JSON object, nests too deeply or has a field twice.
  explicit DataRow(std::string_view text);

  bool has(std::string_view field) const;

  std::string text(std::string_view field) const;                // a string
  std::vector<std::string> texts(std::string_view field) const;  // a list of strings, at least one
  bool is_list(std::string_view field) const;
  // A string or an integer, as text.
  std::string name(std::string_view field) const;
  // A string; or a number, as JSON writes it (27.0 stays "27.0").
  std::string text_or_number(std::string_view field) const;
  double number(std::string_view field) const;
  std::int64_t integer(std::string_view field) const;
  std::vector<std::int64_t> integers(std::string_view field) const;  // may be empty
  std::vector<bool> truths(std::string_view field) const;            // a list of true and false, at least one
  DataRow object(std::string_view field) const;
  // A string, which becomes one turn of the user, or a list of {"role", "content"}.
  std::vector<Message> messages(std::string_view field) const;

 private:
  struct Content;
  explicit DataRow(std::shared_ptr<const Content> content);

  std::shared_ptr<const Content> content_;
};

}  // namespace endorm
