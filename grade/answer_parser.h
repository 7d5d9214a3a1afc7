#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "grade/expression.h"

namespace endorm {

// Reads an answer from left to right, one method a rule of the grammar:
//   list     = relation { ("," | ";" | and | or) relation }
//   relation = union { sign union }
//   union    = sum { \cup sum }
//   sum      = product { (+ | - | +-) product }
//   product  = power { (* | / | nothing) power }
//   power    = atom { ! | % | degrees | primes | ^ exponent }
// An operator that is not written is a product, and products and quotients of one level go from left to right.
class AnswerParser {
 public:
  explicit AnswerParser(std::string_view text) : text_(text) {}
  Node whole();

 private:
  // grammar.cpp
  Node list();
  Node relation();
  Node union_of();
  Node sum();
  bool ends_with_domain();
  bool condition_ahead();
  bool eat_separator();
  char eat_relation_sign();
  static bool is_operator(std::string_view command);
  static bool is_separator(std::string_view word);
  static bool is_label(const Node& node);
  static std::string without_spaces(const std::string& text);

  // products.cpp
  Node product();
  Node power();
  Node signed_power();
  Node exponent();
  bool begins_factor();
  bool eat_unit(Node& node);
  std::string unit_power();
  bool eat_mixed_fraction(Node& left);

  // atoms.cpp
  Node atom();
  Node plain_letters();
  Node command();
  Node words(std::string first);
  Node symbol(std::string name);

  // brackets.cpp
  Node list_within(int bars);
  static std::vector<Node> elements_of(Node list);
  Node bracket(char open);
  Node set();
  Node between_bars();
  Node rounded(const std::string& name, std::string_view close);
  Node matrix();
  Node root();
  Node function(const std::string& name);
  Node argument();
  Node tex_argument();

  // scanner.cpp: what lies at the place. Spaces before it are skipped.
  void skip_spaces();
  bool eat(std::string_view sign);
  bool sees(std::string_view sign);
  char next();
  std::string_view letters_ahead() const;
  std::string_view command_ahead();
  std::string braced_text();
  bool at_end();
  [[noreturn]] void fail(const std::string& reason) const;
  Node make(Kind kind, std::string name, std::vector<Node> children = {});
  Node make(Kind kind, std::string name, Node first, Node second);
  Node number();
  Node with_base(const Node& digits);
  std::size_t digits_of_base_ahead();

  std::string_view text_;
  std::size_t place_ = 0;
  int depth_ = 0;
  int bars_ = 0;
  std::size_t nodes_ = 0;

  friend class Deeper;
};

// One level of the grammar: refuses what nests too deep.
class Deeper {
 public:
  explicit Deeper(AnswerParser& parser) : parser_(parser) {
    constexpr int kDeepest = 64;
    if (++parser_.depth_ > kDeepest) {
      parser_.fail("it nests deeper than " + std::to_string(kDeepest) + " levels");
    }
  }
  ~Deeper() { --parser_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  AnswerParser& parser_;
};

}  // namespace endorm
