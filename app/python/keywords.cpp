#include "app/python/keywords.h"

#include <algorithm>
#include <utility>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "core/errors.h"

namespace nb = nanobind;

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDeepest = 128;

// What Python, NumPy and configurations hold, as JSON. Throws InvalidInput naming `name` on anything else.
Json json_of(nb::handle value, const std::string& name, int depth = 0) {
  PyObject* object = value.ptr();
  if (depth > kDeepest) {
    throw InvalidInput(name + " is no JSON: it is nested deeper than " + std::to_string(kDeepest) + " levels");
  }
  if (value.is_none()) {
    return nullptr;
  }
  if (PyBool_Check(object)) {
    return object == Py_True;
  }
  if (PyFloat_Check(object)) {
    return PyFloat_AsDouble(object);
  }
  if (nb::isinstance<nb::str>(value)) {
    return nb::cast<std::string>(value);
  }
  if (PyIndex_Check(object)) {
    return nb::cast<std::int64_t>(nb::steal(PyNumber_Index(object)));
  }
  if (nb::hasattr(value, "tolist")) {  // NumPy's scalars and arrays
    return json_of(value.attr("tolist")(), name, depth + 1);
  }
  if (nb::hasattr(value, "items")) {
    Json fields = Json::object();
    for (const nb::handle item : value.attr("items")()) {
      fields[nb::cast<std::string>(item[0])] = json_of(item[1], name, depth + 1);
    }
    return fields;
  }
  if (PySequence_Check(object) && !PyBytes_Check(object)) {
    Json list = Json::array();
    for (const nb::handle item : value) {
      list.push_back(json_of(item, name, depth + 1));
    }
    return list;
  }
  const std::string type = nb::cast<std::string>(value.type().attr("__name__"));
  throw InvalidInput(name + " is no JSON: a value of type " + type + " stands in it");
}

}  // namespace

Keywords::Keywords(std::string function, const nb::kwargs& given) : function_(std::move(function)) {
  for (const auto& [key, value] : given) {
    const std::string name = nb::cast<std::string>(key);
    given_.emplace(name, json_of(value, "[" + function_ + "] " + name));
  }
}

const Json* Keywords::take(const OptionFacts& facts) {
  const auto found = given_.find(facts.name);
  if (found == given_.end() || (found->second.is_null() && !facts.may_be_none)) {
    return nullptr;
  }
  if (!is_of_kind(facts, found->second)) {
    throw nb::type_error(("[" + function_ + "] " + std::string(facts.name) + " is " + found->second.dump() +
                          ", expected " + wanted_of(facts))
                             .c_str());
  }
  return &found->second;
}

void Keywords::refuse_others() const {
  for (const auto& [name, value] : given_) {
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      std::string names;
      for (const std::string_view known : known_) {
        names.append(names.empty() ? "" : ", ").append(known);
      }
      throw nb::type_error(("[" + function_ + "] there is no option " + name + ". There are " + names).c_str());
    }
  }
}

}  // namespace endorm
