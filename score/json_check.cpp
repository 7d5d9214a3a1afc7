#include "score/json_check.h"

#include <cmath>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {
namespace {

using nlohmann::json;

// What values take: themselves, in lists that grew to twice what they need; what texts, lists and objects hold.
constexpr std::size_t kValueBytes = 2 * sizeof(json);
constexpr std::size_t kHeldBytes = sizeof(std::string) + 16;
constexpr std::size_t kDeepestNesting = 128;  // a record needs 5; beyond this it is an attack or an accident

// What nlohmann says, without what it quotes from the input: that may be long and is not always valid UTF-8.
std::string parser_reason(const std::string& what) {
  const std::string before_quote = what.substr(0, what.find("; last read"));
  const std::size_t colon = before_quote.find(": ");  // parse_error has "parse error at line L, column C: " before it
  const std::size_t bracket = before_quote.find("] ");
  const std::size_t mark = colon == std::string::npos ? bracket : colon;
  return mark == std::string::npos ? before_quote : before_quote.substr(mark + 2);
}

// A pass over a line that builds no values.
class StrictCheck final : public nlohmann::json_sax<json> {
 public:
  explicit StrictCheck(std::size_t most) : most_(most) {}
  std::size_t bytes() const { return bytes_; }

  bool null() override { return count(kValueBytes); }
  bool boolean(bool) override { return count(kValueBytes); }
  bool number_integer(number_integer_t) override { return count(kValueBytes); }
  bool number_unsigned(number_unsigned_t) override { return count(kValueBytes); }
  bool number_float(number_float_t, const string_t&) override { return count(kValueBytes); }
  bool string(string_t& text) override { return count(kValueBytes + kHeldBytes + text.size()); }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    count(2 * sizeof(std::string) + name.size());
    if (!names_.back().insert(name).second) {
      throw InvalidInput("field \"" + excerpt(name) + "\" stands twice in one object. Keep one of them.");
    }
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    throw InvalidInput("not JSON at byte " + std::to_string(position) + ": " + excerpt(parser_reason(error.what())) +
                       ". Give a JSON object, in UTF-8.");
  }

 private:
  bool open() {
    if (names_.size() == kDeepestNesting) {
      throw InvalidInput("JSON nested deeper than " + std::to_string(kDeepestNesting) + " levels. Flatten the record.");
    }
    names_.emplace_back();
    return count(kValueBytes + kHeldBytes);
  }
  bool count(std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > most_) {
      throw InvalidInput("its values take more than " + std::to_string(most_) +
                         " bytes, which is more than is read at once. Send it in parts.");
    }
    return true;
  }
  bool close() {
    names_.pop_back();
    return true;
  }

  std::size_t most_;
  std::size_t bytes_ = 0;
  std::vector<std::set<std::string>> names_;  // of the objects that are open, by depth
};

}  // namespace

std::size_t check_json(std::string_view line, std::size_t most) {
  StrictCheck check(most);
  json::sax_parse(line, &check);
  return check.bytes();
}

void check_finite(const nlohmann::ordered_json& value, const std::string& function, const std::string& name) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    throw InternalError("[" + function + "] \"" + name + "\" is " + std::to_string(value.get<double>()) +
                        ", which JSON cannot carry. It should have been refused before; please report it.");
  }
  if (value.is_array()) {
    for (const nlohmann::ordered_json& part : value) {
      check_finite(part, function, name);
    }
  } else if (value.is_object()) {
    for (const auto& [key, part] : value.items()) {
      std::string place = name;
      place.append(name.empty() ? "" : ".").append(key);
      check_finite(part, function, place);
    }
  }
}

}  // namespace endorm
