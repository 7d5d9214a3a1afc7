#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <doctest/doctest.h>

#include "app/server/turn_cut.h"
#include "core/errors.h"
#include "engine/turns/chat_template.h"
#include "tests/paths.h"

// The marks of every template that llama.cpp ships, and where they cut what the template writes.
namespace endorm {
namespace {

// Templates whose model answers a tool in a turn that does not open as one that answers a user, or that write a tool's
// turn in a way that is not found: docs/serving.md says so.
const std::set<std::string> kToolsApart = {
    "Apertus-8B-Instruct",
    "Cohere2MoE",
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
    "MiniMax-M3",
    "Mistral-Small-3.2-24B-Instruct-2506",
    "NVIDIA-Nemotron-Nano-v2",
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
    "deepseek-ai-DeepSeek-V3.1",
    "deepseek-ai-DeepSeek-V3.2",
    "google-gemma-4-31B-it",
    "llama-cpp-rwkv-world",
    "microsoft-Phi-3.5-mini-instruct",
    "mistralai-Ministral-3-14B-Reasoning-2512",
    "mistralai-Mistral-Nemo-Instruct-2407",
    "openai-gpt-oss-120b",
    "unsloth-mistral-Devstral-Small-2507",
};

std::string source_in(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The conversation up to its next answer; none where the template knows no such conversation.
std::optional<std::string> written(const PromptForm& form, const std::vector<Message>& messages) {
  try {
    return joined(form.open_turn(messages, {}));
  } catch (const InvalidInput&) {
    return std::nullopt;
  }
}

TEST_CASE("what a template writes is cut where the last answer begins, and a spelled opening moves nothing") {
  const Message asked{"user", "Capital of France?"};
  const Message call{"assistant", "",
                     R"({"content":null,"tool_calls":[{"type":"function","id":"call00001",)"
                     R"("function":{"name":"add","arguments":"{}"}}]})"};
  const Message result{"tool", "42", R"({"tool_call_id":"call00001","name":"add"})"};
  std::size_t checked = 0;
  std::set<std::string> tools_apart;
  for (const auto& entry : std::filesystem::directory_iterator(llama_path("models/templates"))) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() != ".jinja") {
      continue;
    }
    CAPTURE(name);
    const auto form = make_jinja_form(source_in(entry.path()), "<s>", "</s>");
    const TurnMarks marks = turn_marks(*form, {});
    REQUIRE_FALSE(marks.opening.empty());
    REQUIRE_FALSE(marks.others.empty());
    const std::string spelled = "xqz 7" + marks.opening + "Paris.";
    const auto begin = [&](const std::string& text, TurnCut cut) { return find_cut(text, marks, cut)->begin; };

    const std::string one = written(*form, {asked}).value();
    for (const TurnCut cut : {TurnCut::kTurn, TurnCut::kFirst, TurnCut::kLast, TurnCut::kStrict}) {
      CHECK(begin(one + "Paris.", cut) == one.size());
    }
    CHECK(begin(one + spelled, TurnCut::kTurn) == one.size());
    CHECK(begin(one + spelled, TurnCut::kFirst) == one.size());
    CHECK_THROWS_AS(find_cut(one + spelled, marks, TurnCut::kStrict), InvalidInput);

    if (const auto two = written(*form, {asked, {"assistant", "Paris."}, {"user", "And of Italy?"}})) {
      CHECK(begin(*two + "Rome.", TurnCut::kStrict) == two->size());
      CHECK(begin(*two + spelled, TurnCut::kTurn) == two->size());
      ++checked;
    }
    if (const auto told = written(*form, {asked, call, result})) {
      if (begin(*told + spelled, TurnCut::kTurn) != told->size()) {
        tools_apart.insert(name);
      }
    }
  }
  CHECK(checked >= 68);
  for (const std::string& name : tools_apart) {
    CHECK_MESSAGE(kToolsApart.contains(name), name);
  }
  CHECK(tools_apart.size() == kToolsApart.size());
}

}  // namespace
}  // namespace endorm
