#include "score/record_layout.h"

#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/listed.h"
#include "score/record.h"
#include "tests/paths.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

// What is scored of a record: messages, arguments of the template, responses, whether the first is the chosen one.
std::string scored_part(const Request& request) {
  std::string text;
  for (const Message& message : request.messages) {
    text += "<" + message.role + ">" + message.content + message.fields;
  }
  text += request.template_arguments + (request.chosen_first ? "<pair>" : "<list>");
  for (const RequestResponse& response : request.responses) {
    text += "<response>" + response.text.text + response.text.fields + (response.text.truncated ? "~" : "");
  }
  return text;
}

// Of a line, with the fields behind "unknown:" that were left.
std::string read_row(const std::string& line) {
  std::vector<std::string> unknown;
  const Request request = parse_request(line, 1, "\n\n", unknown);
  return scored_part(request) + "|" + listed(unknown);
}

struct Row {
  const char* row;     // as a data set has it
  const char* record;  // the record that it means
  const char* left;    // fields that are neither prompt, response nor the label of a pair
};

constexpr const char* kPair = R"({"prompt":"P","chosen":"a","rejected":"b"})";
constexpr const char* kFlipped = R"({"prompt":"P","chosen":"b","rejected":"a"})";
constexpr const char* kTwo = R"({"prompt":"P","responses":["a","b"]})";
constexpr const char* kOne = R"({"prompt":"P","response":"a"})";

constexpr Row kRows[] = {
    // Alpaca, Dolly
    {R"({"instruction":"P","input":"","output":"a"})", kOne, ""},
    {R"({"instruction":"P","input":"I","output":"a","system":"S"})",
     R"({"system":"S","prompt":"P\n\nI","response":"a"})", ""},
    {R"({"instruction":"P","context":"C","response":"a","category":"qa"})", R"({"prompt":"P\n\nC","response":"a"})",
     "category"},
    {R"({"instruction":"P","input":null,"output":"a","history":[["q","r"]]})",
     R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"r"},{"role":"user","content":"P"},
         {"role":"assistant","content":"a"}]})",
     ""},
    // candidates
    {R"({"prompt":"P","samples":["a","b"]})", kTwo, ""},
    {R"({"prompt":"P","completions":["a","b"]})", kTwo, ""},
    {R"({"query":"P","outputs":["a","b"]})", kTwo, ""},
    {R"({"source":"s","instruction":"P","models":["m"],"completions":[{"model":"m","response":"a","overall_score":9},
         {"model":"n","response":"b","overall_score":2}]})",
     kTwo, "source, models"},
    {R"({"prompt":"P","answers":[{"answer":"a","rank":1},{"answer":"b","rank":2}]})", kTwo, ""},
    // one answer
    {R"({"prompt":"P","completion":"a","label":true})", kOne, "label"},
    {R"({"prompt":[{"role":"user","content":"P"}],"completion":[{"role":"assistant","content":"a"}]})", kOne, ""},
    {R"({"messages":[{"role":"user","content":"P"}],"completion":"a"})", kOne, ""},
    {R"({"prompt":["P"],"response":"a"})", kOne, ""},
    {R"({"system_prompt":"S","question":"P","response":"a"})", R"({"system":"S","prompt":"P","response":"a"})", ""},
    {R"({"system_prompt":"","question":"P","response":"a"})", kOne, ""},
    // ShareGPT
    {R"({"conversations":[{"from":"human","value":"P"},{"from":"gpt","value":"a"}]})", kOne, ""},
    {R"({"conversations":[{"from":"system","value":"S"},{"from":"human","value":"P"},{"from":"gpt","value":"a"}]})",
     R"({"system":"S","prompt":"P","response":"a"})", ""},
    {R"({"conversations":[{"from":"human","value":"P"}],"chosen":{"from":"gpt","value":"a"},
         "rejected":{"from":"gpt","value":"b"}})",
     kPair, ""},
    {R"({"conversation":[{"role":"user","content":"P"},{"role":"assistant","content":"a"}],"id":"x"})", kOne, ""},
    // pairs
    {R"({"chosen":"\n\nHuman: P\n\nAssistant: a","rejected":"\n\nHuman: P\n\nAssistant: b"})", kPair, ""},
    {R"({"chosen":"\n\nHuman: Q\n\nAssistant: c\n\nHuman: P\n\nAssistant: a",
         "rejected":"\n\nHuman: Q\n\nAssistant: c\n\nHuman: P\n\nAssistant:"})",
     R"({"prompt":[{"role":"user","content":"Q"},{"role":"assistant","content":"c"},{"role":"user","content":"P"}],
         "chosen":"a","rejected":""})",
     ""},
    {R"({"system":"S","question":"P","chosen":"a","rejected":"b"})",
     R"({"system":"S","prompt":"P","chosen":"a","rejected":"b"})", ""},
    {R"({"prompt":[{"role":"user","content":"P"}],"chosen":[{"role":"assistant","content":"a"}],
         "rejected":[{"role":"assistant","content":"b"}],"score_chosen":9.0})",
     kPair, "score_chosen"},
    {R"({"prompt":"P","chosen":[{"role":"user","content":"P"},{"role":"assistant","content":"a"}],
         "rejected":[{"role":"user","content":"P"},{"role":"assistant","content":"b"}],
         "messages":[{"role":"user","content":"P"},{"role":"assistant","content":"a"}]})",
     kPair, ""},
    {R"({"messages":[{"role":"user","content":"P"}],"chosen":{"role":"assistant","content":"a"},
         "rejected":{"role":"assistant","content":"b"}})",
     kPair, ""},
    {R"({"prompt":"P","chosen":["a"],"rejected":["b"]})", kPair, ""},
    {R"({"prompt":"P","chosen":["a"],"rejected":["b","c"]})", R"({"prompt":"P","responses":["a","b","c"]})", ""},
    // numbered responses with a label
    {R"({"prompt":"P","response_1":"a","response_2":"b","preference_strength":-2})", kPair, ""},
    {R"({"prompt":"P","response_1":"a","response_2":"b","preference_strength":3})", kFlipped, ""},
    {R"({"prompt":"P","response_1":"a","response_2":"b","preference_strength":0})", kTwo, ""},
    {R"({"context":[{"role":"user","content":"P"}],"response1":"a","response2":"b","overall_preference":1})", kFlipped,
     ""},
    {R"({"question":"P","response_A":"a","response_B":"b","label":"A>B"})", kPair, ""},
    {R"({"question":"P","response_A":"a","response_B":"b","label":"B>>A"})", kFlipped, ""},
    {R"({"question":"P","response_A":"a","response_B":"b","label":"B < A"})", kPair, ""},
    {R"({"question":"P","response_A":"a","response_B":"b","label":"A=B"})", kTwo, ""},
    {R"({"prompt":"P","answer_a":"a","answer_b":"b","winner":"model_b"})", kFlipped, ""},
    {R"({"prompt":"P","response_a":"a","response_b":"b","label":"responseB"})", kFlipped, ""},
    {R"({"prompt":"P","response_1":"a","response_2":"b","label":"Response-1"})", kPair, ""},
    {R"({"prompt":"P","response_1":"a","response_2":"b","label":"responses1"})", kTwo, "label"},
    {R"x({"prompt":"P","response_a":"a","response_b":"b","winner":"tie (bothbad)"})x", kTwo, ""},
    {R"({"prompt":"P","output_1":"a","output_2":"b","preferred":"output_2"})", kFlipped, ""},
    {R"({"prompt":"P","response_0":"a","response_1":"b","better_response_id":1,"safer_response_id":0})", kFlipped,
     "safer_response_id"},
    {R"({"history":"P","human_ref_A":"a","human_ref_B":"b","labels":0})", kFlipped, ""},
    {R"({"history":"P","human_ref_A":"a","human_ref_B":"b","labels":1})", kPair, ""},
    {R"({"conversation_a":[{"role":"user","content":"P"},{"role":"assistant","content":"a"}],
         "conversation_b":[{"role":"user","content":"P"},{"role":"assistant","content":"b"}],"winner":"model_b"})",
     kFlipped, ""},
    {R"({"conversation_a":[{"role":"user","content":"P"},{"role":"assistant","content":"a"}],
         "conversation_b":[{"role":"user","content":"P"},{"role":"assistant","content":"b"}],"winner":"tie"})",
     kTwo, ""},
    // labels that name a response come before a strength, and must agree
    {R"({"prompt":"P","response_1":"a","response_2":"b","preference":"response_1","preference_strength":3})", kPair,
     "preference_strength"},
    {R"({"prompt":"P","response_1":"a","response_2":"b","winner":"response_2","label":"response_1"})", kTwo,
     "winner, label"},
    {R"({"prompt":"P","response_1":"a","response_2":"b","preference_strength":4})", kTwo, "preference_strength"},
    {R"({"prompt":"P","response_a":"a","response_b":"b","preference":"neither a"})", kTwo, "preference"},
    {R"({"prompt":"P","response_0":"a","response_1":"b","response_2":"c"})",
     R"({"prompt":"P","responses":["a","b","c"]})", ""},
    {R"({"prompt":"P","response":"a","rejected_response":"b"})", kPair, ""},
    // transcripts, steps, exchanges
    {R"({"prompt":"\n\nHuman: P\n\nAssistant: ","answers":[{"answer":"a","rank":1}]})",
     R"({"prompt":"P","responses":["a"]})", ""},
    {R"({"prompt":"P","chosen":"\n\nHuman: P\n\nAssistant: a","rejected":"\n\nHuman: P\n\nAssistant: b"})", kPair, ""},
    {R"({"prompt":"P","completions":["a","b"],"labels":[true,false]})", R"({"prompt":"P","steps":["a","b"]})",
     "labels"},
    {R"({"query":"P","response":"a","history":[["q","r"]]})",
     R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"r"},{"role":"user","content":"P"},
         {"role":"assistant","content":"a"}]})",
     ""},
    {R"({"instruction":"","input":"P","output":"a"})", kOne, ""},
    // labels that could mean either stay beside, and the pair has none
    {R"({"prompt":"P","response_1":"a","response_2":"b","label":1})", kTwo, "label"},
    {R"({"prompt":"P","response_0":"a","response_1":"b","label":1})", kTwo, "label"},
    {R"({"prompt":"P","response_a":"a","response_b":"b","label":"first"})", kTwo, "label"},
    {R"({"prompt":"P","response_a":"a","response_b":"b"})", kTwo, ""},
};

TEST_CASE("a row in a layout of others is the record that it means") {
  for (const Row& row : kRows) {
    INFO(row.row);
    CHECK(read_row(row.row) == read_row(row.record) + row.left);
  }
}

TEST_CASE("a record of ours is read as it is, whatever else it holds") {
  for (const char* line :
       {R"({"prompt":"P","response":"a"})", R"({"prompt":"P","responses":["a",{"text":"b","truncated":true}]})",
        R"({"prompt":"P","chosen":"a","rejected":"b"})", R"({"prompt":"Human: P","response":"a"})",
        R"({"prompt":"P","steps":["a","b"]})", R"({"messages":[{"role":"user","content":"P"},
            {"role":"assistant","content":"a"}]})",
        R"({"prompt":"P","response":"a","output":"b","completion":"c","instruction":"d","samples":["e"]})",
        R"({"prompt":"P","response":"a","response_1":"b","response_2":"c","label":"A>B"})",
        R"({"prompt":"P","chosen":"Human: x\n\nAssistant: y","rejected":"Human: x\n\nAssistant: z"})",
        R"({"prompt_ids":[1],"response_ids":[2]})"}) {
    nlohmann::ordered_json row = nlohmann::ordered_json::parse(line);
    const nlohmann::ordered_json before = row;
    INFO(line);
    CHECK(read_layout(row).empty());
    CHECK(row == before);
  }
}

TEST_CASE("what is wrong in a layout is told by the row's own names") {
  const auto error_of = [](const char* line) {
    std::vector<std::string> unknown;
    return message_of<InvalidInput>([&] { parse_request(line, 3, "\n\n", unknown); });
  };
  CHECK(
      contains(error_of(R"({"conversations":[{"from":"alien","value":"P"}]})"), "\"conversations\" is from \"alien\""));
  CHECK(contains(error_of(R"({"conversations":[{"from":"human"}]})"), "\"from\": ..., \"value\": ..."));
  CHECK(contains(error_of(R"({"instruction":"P","samples":["a",5]})"), "(\"responses\" is \"samples\" of the row.)"));
  CHECK(contains(error_of(R"({"text":"P","score":3})"), R"(It has "text", "score".)"));
  CHECK(contains(error_of(R"({"prompt":"P","a1":1,"a2":1,"a3":1,"a4":1,"a5":1,"a6":1,"a7":1,"a8":1,"a9":1,"a10":1,
                              "a11":1,"a12":1})"),
                 "and 1 more."));
}

TEST_CASE("the layouts that were reported are read") {
  const std::string folder = source_path("../shared/reported/records");
  if (!std::ifstream(folder + "/alpaca.jsonl")) {
    MESSAGE("skipped: " << folder << " is not here");
    return;
  }
  for (const char* name : {"alpaca", "candidates", "completions", "helpsteer", "hf_msgs", "hh", "judgebench_like",
                           "kto", "msg_label", "orca", "prompt_list_str", "sharegpt", "sharegpt_pref", "tools",
                           "trl_conv", "typed_content", "uf_bin", "ultrafeedback"}) {
    INFO(name);
    std::ifstream file(folder + "/" + name + ".jsonl");
    std::string line;
    REQUIRE(std::getline(file, line));
    const std::string text = read_row(line);
    CHECK(contains(text, std::string(name) == "tools" ? "<response>Sunny." : "<user>Capital of France?"));
    CHECK(contains(text, std::string(name) == "tools" ? "tool_calls" : "<response>Paris."));
  }
}

}  // namespace
}  // namespace endorm
