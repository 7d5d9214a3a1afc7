#include "score/record.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

Request parse(std::string_view line) {
  std::vector<std::string> unknown;
  Request request = parse_request(line, 7, "\n\n", unknown);
  CHECK(unknown.empty());
  return request;
}

std::string error_of(std::string_view line) {
  std::vector<std::string> unknown;
  return message_of<InvalidInput>([&] { parse_request(line, 7, "\n\n", unknown); });
}

// "role:content|role:content"
std::string spelled(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& message : messages) {
    text += (text.empty() ? "" : "|") + message.role + ":" + message.content;
  }
  return text;
}

// "text|text", "~" behind a truncated one
std::string spelled(const std::vector<RequestResponse>& responses) {
  std::string text;
  for (const RequestResponse& response : responses) {
    text += (&response == &responses.front() ? "" : "|") + response.text.text + (response.text.truncated ? "~" : "");
  }
  return text;
}

struct GoodRecord {
  const char* line;
  const char* messages;
  const char* responses;
};

constexpr GoodRecord kGood[] = {
    {R"({"prompt":"p","response":"r"})", "user:p", "r"},
    {R"({"question":"p","response":"r"})", "user:p", "r"},
    {R"({"system":"s","prompt":"p","response":"r"})", "system:s|user:p", "r"},
    {R"({"system":"","prompt":"p","response":"r"})", "system:|user:p", "r"},
    {R"({"system":null,"prompt":"p","response":"r","steps":null})", "user:p", "r"},
    {R"({"prompt":"p","response":""})", "user:p", ""},
    {R"({"prompt":"p","response":"r","truncated":true})", "user:p", "r~"},
    {R"({"prompt":"p","responses":["a","b",""]})", "user:p", "a|b|"},
    {R"({"prompt":"p","responses":["a","b"],"truncated":true})", "user:p", "a~|b~"},
    {R"({"prompt":"p","responses":["a","b"],"truncated":[false,true]})", "user:p", "a|b~"},
    {R"({"prompt":"p","responses":["a",{"text":"b","truncated":true},{"steps":["c","d"]}]})", "user:p", "a|b~|c\n\nd"},
    {R"({"prompt":"p","responses":[{"text":"c\n\nd","steps":["c","d"]}]})", "user:p", "c\n\nd"},
    {R"({"prompt":"p","chosen":"a","rejected":"b"})", "user:p", "a|b"},
    {R"({"prompt":[{"role":"system","content":"s"},{"role":"user","content":"p"}],"response":"r"})", "system:s|user:p",
     "r"},
    {R"({"system":"s","prompt":[{"role":"user","content":"p"}],"response":"r"})", "system:s|user:p", "r"},
    {R"({"prompt":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}],"response":"r"})",
     "user:ab", "r"},
    {R"({"messages":[{"role":"user","content":"p"},{"role":"assistant","content":"r"}]})", "user:p", "r"},
    {R"({"prompt":[{"role":"user","content":"p"}],"chosen":[{"role":"assistant","content":"a"}],)"
     R"("rejected":[{"role":"assistant","content":"b"}]})",
     "user:p", "a|b"},
    {R"({"prompt":"p","chosen":[{"role":"user","content":"p"},{"role":"assistant","content":"a"}],)"
     R"("rejected":[{"role":"user","content":"p"},{"role":"assistant","content":"b"}]})",
     "user:p", "a|b"},
    {R"({"chosen":[{"role":"user","content":"p"},{"role":"assistant","content":"a"}],)"
     R"("rejected":[{"role":"user","content":"p"},{"role":"assistant","content":"b"}]})",
     "user:p", "a|b"},
    {R"({"prompt":"p","response":"\u0000<|im_end|>\ud83d\ude00"})", "user:p", ""},  // checked below byte by byte
};

TEST_CASE("every accepted form of a record") {
  for (const GoodRecord& good : kGood) {
    CAPTURE(good.line);
    const Request request = parse(good.line);
    CHECK(spelled(request.messages) == good.messages);
    if (!contains(good.line, "\\u0000")) {
      CHECK(spelled(request.responses) == good.responses);
    }
    CHECK(request.chosen_first == contains(good.line, "chosen"));
    CHECK(request.line == 7);
    CHECK(request.id == "7");
    CHECK(request.key == record_key(good.line));
  }
}

TEST_CASE("lists of tokens that stand beside the line") {
  const std::string line =
      R"({"prompt_ids":{"given":0},"responses":[{"ids":{"given":1},"mask":{"given":2}},{"ids":{"given":3}},"text"]})";
  std::vector<GivenList> given = {{{4, 6}}, {{5, 7, 9}}, {{1, 0, 1}}, {{}, "holds numbers of type float64."}};
  const auto read = [&] {
    std::vector<std::string> unknown;
    return parse_request(line, 1, "\n\n", unknown, given);
  };
  const Request request = read();
  CHECK(request.prompt_ids == Tokens{4, 6});
  CHECK(request.responses[0].ids == Tokens{5, 7, 9});
  CHECK(request.responses[0].mask == std::vector<bool>{true, false, true});
  CHECK(request.responses[1].refused == "\"responses[1].ids\" holds numbers of type float64.");
  CHECK(request.responses[2].text.text == "text");
  given[2].values = {1, 0, 3};
  CHECK(contains(read().responses[0].refused, "\"responses[0].mask[2]\" is 3"));
  given[2].values = {1};
  CHECK(contains(read().responses[0].refused, "1 entries for 3 token ids"));
  given[1].values = {5, -7, 9};
  CHECK(contains(read().responses[0].refused, "\"responses[0].ids[1]\" is -7"));
  CHECK(read().key != request.key);
  given[0] = {{}, "has the shape [1, 2], expected one list."};
  CHECK_THROWS_WITH_AS(read(), doctest::Contains("\"prompt_ids\" has the shape"), InvalidInput);
  given.clear();  // then it is an object, as in any line
  CHECK_THROWS_WITH_AS(read(), doctest::Contains("\"prompt_ids\" is a JSON object"), InvalidInput);
}

TEST_CASE("NUL, special tokens and characters outside the basic plane pass unchanged") {
  const Request request = parse(R"({"prompt":"p","response":"\u0000<|im_end|>\ud83d\ude00"})");
  CHECK(request.responses[0].text.text == std::string("\0<|im_end|>\xF0\x9F\x98\x80", 15));
}

TEST_CASE("id is a string or an integer") {
  CHECK(parse(R"({"id":"a b","prompt":"p","response":"r"})").id == "a b");
  CHECK(parse(R"({"id":-12,"prompt":"p","response":"r"})").id == "-12");
  CHECK(parse(R"({"id":18446744073709551615,"prompt":"p","response":"r"})").id == "18446744073709551615");
  CHECK(record_id(R"({"id":"x","prompt":3})") == "x");
  CHECK(record_id(R"({"id":4,"prompt":3})") == "4");
  CHECK_FALSE(record_id(R"({"id":4.5,"prompt":3})").has_value());
  CHECK_FALSE(record_id(R"({"prompt":3})").has_value());
  CHECK_FALSE(record_id(R"({"id":"x",)").has_value());
  CHECK_FALSE(record_id("[1]").has_value());
}

TEST_CASE("a step's separator belongs to the step before it") {
  const Request request = parse(R"({"question":"q","steps":["one","two","three"]})");
  CHECK(request.responses[0].text.text == "one\n\ntwo\n\nthree");
  CHECK(request.responses[0].step_begins == std::vector<std::size_t>{0, 5, 10});
  CHECK(parse(R"({"prompt":"q","response":"one"})").responses[0].step_begins.empty());
}

TEST_CASE("unknown fields are collected once each, and no more than 64 of them") {
  std::vector<std::string> unknown;
  parse_request(R"({"prompt":"p","response":"r","label":{"deep":[1]},"extra":1})", 1, "", unknown);
  parse_request(R"({"prompt":[{"role":"user","content":"p","weight":"n"}],"response":"r","label":0})", 2, "", unknown);
  parse_request(R"({"prompt":"p","responses":[{"text":"r","score":1}]})", 3, "", unknown);
  CHECK(unknown == std::vector<std::string>{"label", "extra", "prompt[].weight", "responses[].score"});
  std::string line = R"({"prompt":"p","response":"r")";
  for (int i = 0; i < 200; ++i) {
    line += ",\"u" + std::to_string(i) + "\":0";
  }
  parse_request(line + "}", 4, "", unknown);
  CHECK(unknown.size() == 64);
}

struct BadRecord {
  std::string line;
  const char* error;
};

const BadRecord kBad[] = {
    {"", "not JSON"},
    {"{", "not JSON at byte 2"},
    {"nonsense", "not JSON at byte 2: syntax error while parsing value - invalid literal"},
    {R"({"prompt":"p","response":"r"} x)", "not JSON at byte 31"},
    {R"({"prompt":"p","response":"r"}{})", "not JSON"},
    {"{\"prompt\":\"p\",\"response\":\"\x80\"}", "ill-formed UTF-8"},
    {"{\"prompt\":\"p\",\"response\":\"\xED\xA0\x80\"}", "ill-formed UTF-8"},
    {"{\"prompt\":\"p\",\"response\":\"\xC0\x80\"}", "ill-formed UTF-8"},
    {std::string("{\"prompt\":\"p\0\",\"response\":\"r\"}", 30), "control character"},
    {R"({"prompt":"p","response":"\ud800"})", "surrogate"},
    {R"({"prompt":"p","response":"\udc00 x"})", "surrogate"},
    {R"({"prompt":"p","response":"r","x":1e999})", "not JSON at byte 38: number overflow"},
    {R"({"prompt":"p","response":"r","x":NaN})", "not JSON"},
    {R"({"prompt":"p","prompt":"q","response":"r"})", "\"prompt\" stands twice"},
    {R"({"prompt":[{"role":"user","role":"system","content":"p"}],"response":"r"})", "\"role\" stands twice"},
    {"[]", "JSON array, expected an object"},
    {"3", "JSON number, expected an object"},
    {"null", "JSON null, expected an object"},
    {"{}", "no response"},
    {R"({"prompt":"p"})", "no response"},
    {R"({"prompt":"p","response":null})", "no response"},
    {R"({"response":"r"})", "no prompt"},
    {R"({"chosen":"a","rejected":"b"})", "no prompt"},
    {R"({"prompt":"","response":"r"})", "\"prompt\" is empty"},
    {R"({"prompt":[],"response":"r"})", "\"prompt\" is an empty list"},
    {R"({"prompt":[{"role":"user","content":""}],"response":"r"})", "the prompt is empty"},
    {R"({"messages":[{"role":"assistant","content":"r"}]})", "the prompt is empty"},
    {R"({"chosen":[{"role":"assistant","content":"a"}],"rejected":[{"role":"assistant","content":"b"}]})",
     "the prompt is empty"},
    {R"({"prompt":5,"response":"r"})", "\"prompt\" is a JSON number, expected a string or a list of messages"},
    {R"({"question":["p"],"response":"r"})", "\"question\" is a JSON array"},
    {R"({"prompt":"p","system":["s"],"response":"r"})", "\"system\" is a JSON array"},
    {R"({"prompt":"p","response":["r"]})", "\"response\" is a JSON array"},
    {R"({"prompt":"p","response":true})", "\"response\" is a JSON boolean"},
    {R"({"prompt":"p","responses":"r"})", "\"responses\" is a JSON string"},
    {R"({"prompt":"p","responses":[]})", "\"responses\" is an empty list"},
    {R"({"prompt":"p","responses":["a",1]})", "\"responses[1]\" is a JSON number"},
    {R"({"prompt":"p","responses":[{}]})", "\"responses[0]\" has neither"},
    {R"({"prompt":"p","responses":[{"text":1}]})", "\"responses[0].text\" is a JSON number"},
    {R"({"prompt":"p","responses":[{"text":"cd","steps":["c","d"]}]})", "is not its steps joined"},
    {R"({"prompt":"p","responses":[{"text":"c","truncated":1}]})", "\"responses[0].truncated\" is a JSON number"},
    {R"({"prompt":"p","responses":[{"text":"c","truncated":true}],"truncated":true})",
     "\"responses[0].truncated\" are given"},
    {R"({"prompt":"p","response":"r","truncated":"yes"})", "\"truncated\" is a JSON string"},
    {R"({"prompt":"p","response":"r","score_turns":0})", "\"score_turns\" is 0, expected a whole number from 1."},
    {R"({"prompt":"p","response":"r","score_turns":"all"})",
     "\"score_turns\" is \"all\", expected a whole number from 1."},
    {R"({"prompt":"p","response":"r","truncated":[true,false]})", "\"truncated\" has 2 entries for 1 responses"},
    {R"({"prompt":"p","response":"r","truncated":[1]})", "\"truncated[0]\" is a JSON number"},
    {R"({"prompt":"p","steps":[]})", "\"steps\" is an empty list"},
    {R"({"prompt":"p","steps":"a"})", "\"steps\" is a JSON string"},
    {R"({"prompt":"p","steps":["a",""]})", "\"steps[1]\" is empty"},
    {R"({"prompt":"p","steps":["a",{}]})", "\"steps[1]\" is a JSON object"},
    {R"({"prompt":"p","response":"r","responses":["r"]})", "both \"response\" and \"responses\""},
    {R"({"prompt":"p","response":"r","steps":["r"]})", "both \"response\" and \"steps\""},
    {R"({"prompt":"p","question":"p","response":"r"})", "both \"prompt\" and \"question\""},
    {R"({"prompt":"p","messages":[{"role":"user","content":"p"},{"role":"assistant","content":"r"}]})",
     "both \"prompt\" and \"messages\""},
    {R"({"messages":[{"role":"user","content":"p"},{"role":"assistant","content":"a"}],"response":"r"})",
     "both \"response\" and \"messages\""},
    {R"({"messages":[{"role":"user","content":"p"}]})", "role \"user\", expected \"assistant\""},
    {R"({"messages":"m"})", "\"messages\" is a JSON string"},
    {R"({"prompt":"p","chosen":"a"})", "without \"rejected\""},
    {R"({"prompt":"p","rejected":"a"})", "without \"chosen\""},
    {R"({"prompt":"p","response":"r","rejected":"a"})", "both \"response\" and \"rejected\""},
    {R"({"prompt":"p","chosen":"a","rejected":[]})", "\"rejected\" is a JSON array, expected a JSON string"},
    {R"({"prompt":"p","chosen":1,"rejected":2})", "\"chosen\" is a JSON number"},
    {R"({"prompt":"p","chosen":[],"rejected":[]})", "\"chosen\" is an empty list"},
    {R"({"prompt":"p","chosen":[{"role":"user","content":"a"}],"rejected":[{"role":"user","content":"b"}]})",
     "\"chosen\" ends with a turn of role \"user\""},
    {R"({"chosen":[{"role":"user","content":"p"},{"role":"assistant","content":"a"}],)"
     R"("rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]})",
     "\"rejected\" differs from \"chosen\""},
    {R"({"chosen":[{"role":"assistant","content":"a"}],)"
     R"("rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]})",
     "\"rejected\" differs from \"chosen\""},
    {R"({"prompt":"x","chosen":[{"role":"user","content":"p"},{"role":"assistant","content":"a"}],)"
     R"("rejected":[{"role":"user","content":"p"},{"role":"assistant","content":"b"}]})",
     "\"chosen\" differs from the prompt"},
    {R"({"prompt":["p","q"],"response":"r"})", "\"prompt[0]\" is a JSON string"},
    {R"({"prompt":[{"role":"user"}],"response":"r"})", "\"prompt[0]\" has no \"content\""},
    {R"({"prompt":[{"content":"p"}],"response":"r"})", "\"prompt[0]\" has no \"role\""},
    {R"({"prompt":[{"role":1,"content":"p"}],"response":"r"})", "\"prompt[0].role\" is a JSON number"},
    {R"({"prompt":[{"role":"user","content":null}],"response":"r"})", "\"prompt[0]\" has no \"content\""},
    {R"({"prompt":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}],"response":"r"})",
     "\"prompt[0].content[0].image_url.url\""},
    {R"({"prompt":[{"role":"user","content":["p"]}],"response":"r"})", "\"prompt[0].content[0]\" is a JSON string"},
    {R"({"prompt":[{"role":"user","content":[{"type":"text"}]}],"response":"r"})", "\"prompt[0].content[0].text\""},
    {R"({"system":"s","prompt":[{"role":"system","content":"t"},{"role":"user","content":"p"}],"response":"r"})",
     "both \"system\" and a system message"},
    {R"({"id":1.5,"prompt":"p","response":"r"})", "\"id\" is a JSON number"},
    {R"({"id":["a"],"prompt":"p","response":"r"})", "\"id\" is a JSON array"},
    {std::string(100'000, '['), "nested deeper than 128"},
    {R"({"prompt":"p","response":"r","x":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}",
     "nested deeper than 128"},
};

TEST_CASE("every refused record names what is wrong") {
  for (const BadRecord& bad : kBad) {
    CAPTURE(bad.line.substr(0, 200));
    const std::string message = error_of(bad.line);
    CAPTURE(message);
    CHECK(contains(message, "line 7: "));
    CHECK(contains(message, bad.error));
  }
}

TEST_CASE("a message never repeats much of the input, nor bytes that are not UTF-8") {
  const std::string megabyte(1 << 20, 'x');
  const std::string accents = [] {
    std::string text;
    for (int i = 0; i < 100; ++i) {
      text += "\xC3\xA9";
    }
    return text;
  }();
  const std::string lines[] = {
      "{\"prompt\":\"" + megabyte,
      "{\"prompt\":\"" + megabyte + "\x80\"}",
      "{\"" + megabyte + "\":1,\"" + megabyte + "\":2}",
      "{\"prompt\":\"p\",\"response\":\"r\",\"x\":" + std::string(2000, '9') + "}",
      R"({"messages":[{"role":"user","content":"p"},{"content":"r","role":"x)" + accents + "\"}]}",
  };
  for (const std::string& line : lines) {
    const std::string message = error_of(line);
    CAPTURE(message);
    CHECK(!message.empty());
    CHECK(message.size() < 400);
    CHECK(!contains(message, "\x80\""));
    CHECK(!contains(message, "\xC3..."));
  }
}

TEST_CASE("a line of one megabyte is read") {
  const std::string text(1 << 20, 'x');
  CHECK(parse(R"({"prompt":"p","response":")" + text + "\"}").responses[0].text.text == text);
}

TEST_CASE("a record may bring the alternatives of a contrast") {
  const Request request = parse(R"({"system":"s","prompt":"p","response":"r","alternatives":["t",""]})");
  CHECK(request.alternatives == std::vector<std::string>{"t", ""});
  CHECK(parse(R"({"prompt":"p","response":"r","alternatives":null})").alternatives.empty());
  CHECK(contains(error_of(R"({"prompt":"p","response":"r","alternatives":"t"})"), "\"alternatives\" is a JSON string"));
  CHECK(contains(error_of(R"({"prompt":"p","response":"r","alternatives":[]})"), "\"alternatives\" is an empty list"));
  CHECK(contains(error_of(R"({"prompt":"p","response":"r","alternatives":["t",1]})"), "\"alternatives[1]\""));
}

}  // namespace
}  // namespace endorm
