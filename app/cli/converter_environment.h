#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace endorm {

// A package that a tool imports.
struct PythonPackage {
  std::string_view needed;   // NAME>=VERSION: what an interpreter that is there must have
  std::string_view install;  // what pip is asked for where it has not
};

inline const std::vector<PythonPackage> kAdapterCheckPackages{{"peft>=0.12", "peft"}};

struct ConverterSettings {
  std::string python = "python3";  // what it has is used as it is; what it lacks is added in the cache
  std::string cache_directory;
  bool offline = false;                         // install nothing
  std::function<void(const std::string&)> say;  // told each stage of the setting up
};

// llama.cpp's converter at the version that this program is built with, and an interpreter that has what it imports.
// The converter is part of this program and is unpacked into the cache; packages that the interpreter lacks are
// installed once, into an environment there.
class ConverterEnvironment {
 public:
  // Throws InvalidInput where the interpreter is too old, EngineError where there is none or pip fails, Interrupted.
  explicit ConverterEnvironment(const ConverterSettings& settings);

  // Adds what a tool needs beyond the converter. Throws as the constructor.
  void need(const std::vector<PythonPackage>& packages);

  // Runs one of our tools beside the converter, in a process of its own, and returns what it answers. Where the tool
  // says that something is at fault, throws InvalidInput (what it was given) or EngineError (the machine, the network)
  // with `failure` before its words.
  nlohmann::json run(const std::string& tool, const std::vector<std::string>& arguments,
                     const std::string& failure) const;

 private:
  void unpack() const;
  nlohmann::json look(const std::string& python, const std::vector<PythonPackage>& packages) const;
  void install(const nlohmann::json& base);
  void announce(const std::string& folder, const nlohmann::json& missing) const;
  void make_environment(const std::string& folder, const nlohmann::json& base_folders) const;
  void add_packages(const std::string& python, const nlohmann::json& missing) const;

  ConverterSettings settings_;
  std::string tools_;   // directory
  std::string python_;  // interpreter
  std::vector<PythonPackage> packages_;
};

}  // namespace endorm
