#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace endorm {

// A JSON value that came from outside and what messages call it: "prompt", "responses[2].text". It refers to the value,
// which must outlive it. A field that is null counts as absent. What reads a value throws InvalidInput where it is of
// another type, naming the field, what was found and what was expected.
class JsonField {
 public:
  // name: empty for a whole row, whose fields then have their own names alone.
  explicit JsonField(const nlohmann::ordered_json& value, std::string name = {});
  explicit JsonField(nlohmann::ordered_json&&, std::string = {}) = delete;

  const nlohmann::ordered_json& value() const { return *value_; }
  const std::string& name() const { return name_; }
  [[noreturn]] void wrong_type(std::string_view wanted) const;

  // Fields of an object. Nothing but an object has any; at() throws where the field is absent.
  bool has(std::string_view field) const { return find(field).has_value(); }
  bool has_null(std::string_view field) const;
  std::optional<JsonField> find(std::string_view field) const;
  JsonField at(std::string_view field) const;
  const JsonField& object(std::string_view wanted = "an object") const;  // itself, where it is one

  // Appends what an object holds beside the known fields to `unknown`, once each and behind a prefix, as long as that
  // has fewer than 64 entries: enough to warn with, and a bound on the work of a hostile line.
  void note_unknown(std::span<const std::string_view> known, const std::string& prefix,
                    std::vector<std::string>& unknown) const;

  bool is_null() const;
  bool is_text() const;
  bool is_list() const;
  const std::string& text() const;
  std::string text_or_integer() const;  // as text
  std::string text_or_number() const;   // a number as JSON writes it: 27.0 stays "27.0"
  double number() const;
  std::int64_t integer() const;
  std::size_t count() const;  // a whole number from 0
  bool truth() const;

  std::vector<JsonField> list(std::string_view wanted = "a list") const;                // may be empty
  std::vector<JsonField> filled_list(std::string_view wanted) const;                    // at least one
  std::vector<std::string> texts(std::string_view wanted = "a list of strings") const;  // at least one
  std::vector<bool> truths() const;                                                     // at least one
  std::vector<std::int64_t> integers() const;                                           // may be empty

 private:
  const nlohmann::ordered_json* value_;
  std::string name_;
};

// "It has "a", "b" and 3 more.": the fields of an object in which one was looked for.
std::string listed_fields(std::span<const std::string> names);

// The object that a text is. Throws InvalidInput where it is none, as check_json says, or another JSON value.
nlohmann::ordered_json parse_object(std::string_view text);
// The same of text that check_json let pass.
nlohmann::ordered_json parse_checked_object(std::string_view text);

}  // namespace endorm
