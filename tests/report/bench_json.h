#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace endorm {

// Parts of the JSON of `endorm bench --json`, as docs/bench-json.md has them.

inline nlohmann::json figure_of(double value, const std::string& name = "accuracy", const std::string& group = "all") {
  return {{"name", name},     {"group", group}, {"value", value}, {"interval", {value - 0.0625, value + 0.0625}},
          {"fraction", true}, {"n", 129},       {"ties", 2},      {"failed", 1}};
}

inline nlohmann::json matrix_of(const std::vector<double>& values) {
  nlohmann::json cells = nlohmann::json::array();
  for (const double value : values) {
    cells.push_back(figure_of(value));
  }
  return {{"name", "accuracy"},
          {"group", "chat"},
          {"row", "chosen"},
          {"column", "rejected"},
          {"rows", {"concise", "detailed"}},
          {"columns", {"concise", "detailed"}},
          {"cells", cells}};
}

// A row with two responses that are compared twice, with these margins.
inline nlohmann::json judged_row_of(const std::string& id, double first_margin, double second_margin) {
  return {{"id", id},
          {"key", "00"},
          {"subset", "chat"},
          {"group", id},
          {"responses", {{{"reward", -1.5}, {"characters", 12}}, {{"reward", -2.5}, {"characters", 40}}}},
          {"comparisons",
           {{{"better", 0}, {"worse", 1}, {"cell", "0,1"}, {"margin", first_margin}},
            {{"better", 1}, {"worse", 0}, {"cell", "1,0"}, {"margin", second_margin}}}}};
}

inline nlohmann::json judge_of(const std::string& name, const std::vector<nlohmann::json>& figures) {
  return {{"name", name},
          {"fingerprint", "ab12"},
          {"counts",
           {{"examples", 129},
            {"responses", 258},
            {"failed_responses", 1},
            {"failed_comparisons", 0},
            {"unparsed", 0},
            {"inconsistent", 0}}},
          {"figures", figures},
          {"matrices", {matrix_of({0.5, 0.25, 0.75, 0.625})}},
          {"notes", {"no math"}},
          {"length_correlations",
           {{{"unit", "characters"},
             {"n", 258},
             {"n_within", 258},
             {"pearson", 0.25},
             {"spearman", nullptr},
             {"pearson_within", -0.5},
             {"spearman_within", -0.75}}}},
          {"calibration",
           {{"n", 127},
            {"ties", 2},
            {"expected_error", 0.125},
            {"bins", {{{"low", 0.5}, {"high", 1.0}, {"n", 127}, {"confidence", 0.75}, {"accuracy", 0.625}}}}}},
          {"reward_length", {{12, -1.5}, {40, -2.5}}},
          {"rows", {judged_row_of("r1", 1.0, -1.0), judged_row_of("r2", 0.5, -0.5)}}};
}

inline nlohmann::json shown_side_of(const std::string& text) {
  return {{"text", text}, {"reward", -1.5}, {"token_texts", {text, "<end>"}}, {"log_prob", {-1.25, -0.25}}};
}

inline nlohmann::json shown_pair_of(const std::string& id, const std::string& cell, double margin) {
  return {{"id", id},
          {"subset", "chat"},
          {"cell", cell},
          {"messages", {{{"role", "user"}, {"content", "Hi"}}}},
          {"margin", margin},
          {"better", shown_side_of("good")},
          {"worse", shown_side_of("bad")}};
}

// Two judges that are compared, a sweep of two settings, two shown pairs.
inline nlohmann::json bench_of() {
  const nlohmann::json first = judge_of("endorm", {figure_of(0.71875), figure_of(0.59375, "hard", "chat")});
  nlohmann::json second = judge_of("length", {figure_of(0.53125)});
  second["rows"] = {judged_row_of("r2", -28.0, 28.0), judged_row_of("r1", 7.0, -7.0)};
  return {{"endorm_bench", 1},
          {"benchmark", "rm-bench"},
          {"manifest", {{"endorm", "0.1.0"}, {"model", {{"name", "small.gguf"}}}}},
          {"notes", nlohmann::json::array()},
          {"faults", {{{"file", "chat.json"}, {"row", 3}, {"id", "x"}, {"message", "blank"}}}},
          {"judges", {first, second}},
          {"comparisons",
           {{{"first", "endorm"},
             {"second", "length"},
             {"examples", 129},
             {"first_only", 0},
             {"second_only", 0},
             {"figures",
              {{{"first", figure_of(0.71875)},
                {"second", figure_of(0.53125)},
                {"difference", 0.1875},
                {"interval", {0.0625, 0.3125}},
                {"p_value", 0.015625}}}},
             {"mcnemar",
              {{"right_first_only", 40}, {"right_second_only", 16}, {"p_value", 0.001953125}, {"clustered", true}}},
             {"notes", nlohmann::json::array()}}}},
          {"sweep",
           {{"figure", "accuracy all"},
            {"rows",
             {{{"aggregation", "discounted"},
               {"gamma", 0.9375},
               {"alpha", 1.0},
               {"selection", 0.6875},
               {"reporting", figure_of(0.65625)}},
              {{"aggregation", "mean"}, {"alpha", 1.0}, {"selection", nullptr}, {"reporting", figure_of(0.34375)}}}},
            {"chosen", 0}}},
          {"shown", {shown_pair_of("r1", "1,0", -1.0), shown_pair_of("r2", "0,1", 0.5)}}};
}

}  // namespace endorm
