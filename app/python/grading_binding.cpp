#include <string>

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "app/python/bindings.h"
#include "core/errors.h"
#include "grade/extract.h"
#include "grade/grade.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace endorm {
namespace {

Grade graded(const std::string& answer, const std::string& reference, double tolerance, int rounded_reference_digits,
             int rounded_answer_digits) {
  if (!(tolerance >= 0.0) || rounded_reference_digits < 1 || rounded_answer_digits < 1) {
    throw InvalidInput("[grade] tolerance is " + std::to_string(tolerance) + ", the digits are " +
                       std::to_string(rounded_reference_digits) + " and " + std::to_string(rounded_answer_digits) +
                       ". Give a tolerance of 0 or more and at least 1 digit.");
  }
  return grade(answer, reference, {rounded_reference_digits, rounded_answer_digits, tolerance});
}

std::optional<std::string> side_of(const Grade& self) {
  return self.side ? std::optional<std::string>(*self.side == Side::kAnswer ? "answer" : "reference") : std::nullopt;
}

}  // namespace

void bind_grading(nb::module_& module) {
  const GradeOptions defaults;
  nb::class_<Grade>(module, "Grade", "The verdict on an answer. It is true where the answer is right.")
      .def_prop_ro(
          "verdict", [](const Grade& self) { return std::string(verdict_name(self.verdict)); },
          "\"correct\", \"wrong\" or \"unparsable\".")
      .def_prop_ro("side", &side_of, "\"answer\" or \"reference\": what could not be read; None where all was read.")
      .def_ro("answer_normal", &Grade::answer_normal, "The answer in one spelling, as it was compared.")
      .def_ro("reference_normal", &Grade::reference_normal)
      .def_ro("reason", &Grade::reason, "One line.")
      .def("__bool__", [](const Grade& self) { return self.verdict == Verdict::kCorrect; })
      .def("__repr__", [](const Grade& self) {
        return "<endorm.Grade " + std::string(verdict_name(self.verdict)) + ": " + self.reason + ">";
      });
  module.def("grade", &graded, "answer"_a, "reference"_a, nb::kw_only(), "tolerance"_a = defaults.tolerance,
             "rounded_reference_digits"_a = defaults.rounded_reference_digits,
             "rounded_answer_digits"_a = defaults.rounded_answer_digits, nb::call_guard<nb::gil_scoped_release>(),
             "Whether the answer in a text, as a model wrote it, is the answer in the reference (docs/grading.md).");
  module.def(
      "extract_answer", [](const std::string& text) { return extract_answer(text).text; }, "text"_a,
      "The answer that a text ends with, as written; empty where there is none.");
}

}  // namespace endorm
