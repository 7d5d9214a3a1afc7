// How many ordinary grades a minute, and how long the slowest takes: grade_speed PAIRS.tsv [DIRECTORY ...]
// One thread. The slowest is looked for among the pairs, answers made to be costly, splices of the pairs, and the
// inputs that the fuzzer kept (answer and reference parted by the first new line); a time is the least of three.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/random.h"
#include "grade/grade.h"

namespace endorm {
namespace {

constexpr std::size_t kSplices = 100000;
constexpr std::uint64_t kSeed = 1;
constexpr int kRepeats = 3;
constexpr double kOrdinarySeconds = 3.0;

struct Pair {
  std::string answer;
  std::string reference;
};

double milliseconds(const Pair& pair) {
  const auto start = std::chrono::steady_clock::now();
  grade(pair.answer, pair.reference);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::vector<Pair> pairs_of(const char* path) {
  std::vector<Pair> pairs;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t answer = line.find('\t');
    const std::size_t reference = line.find('\t', answer + 1);
    const std::size_t reason = line.find('\t', reference + 1);
    if (line.starts_with('#') || reason == std::string::npos) {
      continue;
    }
    pairs.push_back(
        {line.substr(answer + 1, reference - answer - 1), line.substr(reference + 1, reason - reference - 1)});
  }
  return pairs;
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) {
    result += text;
  }
  return result;
}

// Each against each.
std::vector<Pair> costly_pairs() {
  const std::vector<std::string> texts{
      "(x+y+z+1)^{40}",
      "(x+y+z+w)^{17}(x-y+z-w)^{17}",
      "x^{1000}",
      repeated("\\sin(", 20) + "x" + repeated(")", 20),
      repeated("\\frac{1}{1+", 20) + "x" + repeated("}", 20),
      repeated("1,", 700) + "1",
      repeated("x,", 300) + "y",
      repeated("\\sin x + ", 150) + "1",
      repeated("\\sqrt{", 15) + "2" + repeated("+x}", 15),
      repeated("(0,1) \\cup ", 100) + "(2,3)",
      "\\begin{pmatrix}" + repeated("x & y & 1 \\\\", 60) + "1 & 2 & 3\\end{pmatrix}",
      "500!",
      "(1+\\sqrt{2})^{40}",
      "(\\pi+e)^{1000}",
      "\\binom{400}{200}",
      "\\sin(n!) + \\cos(n!)",
  };
  std::vector<Pair> pairs;
  for (const std::string& answer : texts) {
    for (const std::string& reference : texts) {
      pairs.push_back({answer, reference});
    }
  }
  return pairs;
}

std::vector<Pair> spliced_pairs(const std::vector<Pair>& pairs) {
  RandomStream random(kSeed);
  const auto text = [&] {
    std::string result;
    for (std::size_t part = 0, parts = 1 + random.below(4); part < parts; ++part) {
      const Pair& from = pairs[random.below(pairs.size())];
      const std::string& whole = random.below(2) == 0 ? from.answer : from.reference;
      const std::size_t begin = random.below(whole.size() + 1);
      result += whole.substr(begin, random.below(whole.size() - begin + 1));
    }
    return result;
  };
  std::vector<Pair> spliced;
  for (std::size_t i = 0; i < kSplices; ++i) {
    std::string answer = text();
    spliced.push_back({answer, i % 2 == 0 ? answer : text()});
  }
  return spliced;
}

std::vector<Pair> fuzzed_pairs(const char* directory) {
  std::vector<Pair> pairs;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::size_t parted = text.find('\n');
    pairs.push_back({text.substr(0, parted), parted == std::string::npos ? text : text.substr(parted + 1)});
  }
  return pairs;
}

void print_times(const char* name, const std::vector<Pair>& pairs) {
  if (pairs.empty()) {
    return;
  }
  std::vector<double> times;
  for (const Pair& pair : pairs) {
    double least = milliseconds(pair);
    for (int repeat = 1; repeat < kRepeats; ++repeat) {
      least = std::min(least, milliseconds(pair));
    }
    times.push_back(least);
  }
  const Pair& slowest = pairs[static_cast<std::size_t>(std::max_element(times.begin(), times.end()) - times.begin())];
  std::sort(times.begin(), times.end());
  std::printf("| %s | %zu | %.3f | %.3f | %.2f |\n", name, times.size(), times[times.size() / 2],
              times[times.size() * 99 / 100], times.back());
  std::fprintf(stderr, "slowest of %s: %.60s against %.60s\n", name, slowest.answer.c_str(), slowest.reference.c_str());
}

int run(int count, char** arguments) {
  const std::vector<Pair> pairs = count > 1 ? pairs_of(arguments[1]) : std::vector<Pair>{};
  if (pairs.empty()) {
    std::fprintf(stderr, "grade_speed PAIRS.tsv [DIRECTORY ...]: no pairs\n");
    return 2;
  }
  std::size_t grades = 0;
  const auto start = std::chrono::steady_clock::now();
  double seconds = 0.0;
  while (seconds < kOrdinarySeconds) {
    for (const Pair& pair : pairs) {
      grade(pair.answer, pair.reference);
    }
    grades += pairs.size();
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::printf("%.0f grades a minute, the pairs over and over, one thread\n\n",
              60.0 * static_cast<double>(grades) / seconds);
  std::printf("| milliseconds of a grade | grades | p50 | p99 | slowest |\n|---|---:|---:|---:|---:|\n");
  print_times("pairs made by hand", pairs);
  print_times("made to be costly", costly_pairs());
  print_times("splices of the pairs", spliced_pairs(pairs));
  for (int i = 2; i < count; ++i) {
    print_times("kept by the fuzzer", fuzzed_pairs(arguments[i]));
  }
  return 0;
}

}  // namespace
}  // namespace endorm

int main(int count, char** arguments) { return endorm::run(count, arguments); }
