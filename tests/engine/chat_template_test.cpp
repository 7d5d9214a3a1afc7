#include "engine/chat_template.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {
namespace {

using Json = nlohmann::json;

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file, path << " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

const Json& golden() {
  static const Json read = Json::parse(file_text(ENDORM_SOURCE_DIR "/tests/golden/chat_templates.json"));
  return read;
}

std::string source_of(const std::string& name) {
  const Json& sources = golden().at("sources");
  return sources.contains(name) ? sources.at(name).get<std::string>()
                                : file_text(ENDORM_LLAMA_TEMPLATES "/" + name + ".jinja");
}

std::unique_ptr<PromptForm> form_of(const std::string& name) {
  return make_jinja_form(source_of(name), golden().at("bos"), golden().at("eos"));
}

std::vector<Message> conversation(const std::string& title) {
  std::vector<Message> messages;
  for (const Json& message : golden().at("conversations").at(title)) {
    messages.push_back({message.at("role"), message.at("content")});
  }
  return messages;
}

std::string joined(std::span<const TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) {
    text += part.text;
  }
  return text;
}

// How a rendering differs from jinja2's; empty where it does not.
std::string difference(const RenderedPrompt& rendered, const Json& expected) {
  const std::string prompt = joined(rendered.prompt) + rendered.before;
  if (prompt != expected.at("prompt")) {
    return "prompt: " + prompt + "\n  expected: " + expected.at("prompt").get<std::string>();
  }
  const std::string after = joined(rendered.after);
  return after == expected.at("after") ? "" : "after: " + after + "\n  expected: " + expected.at("after").dump();
}

// Calls check(name of the template, form, title of the conversation, golden) for all that jinja2 was asked.
template <typename Check>
void for_each_rendering(const Check& check) {
  for (const auto& [name, conversations] : golden().at("templates").items()) {
    const auto form = form_of(name);
    for (const auto& [title, expected] : conversations.items()) {
      check(name, *form, title, expected);
    }
  }
}

}  // namespace

TEST_CASE("every template that llama.cpp ships renders as jinja2 renders it, or is refused with its own words") {
  // Which conversations are refused by which template, and why. llama.cpp's jinja takes a variable that nobody defined
  // for an empty one where jinja2 refuses it.
  const std::map<std::string, std::string> expected_refusals{
      {"google-gemma-2-2b-it | system", "System role not supported"},
      {"google-gemma-2-2b-it | system and turns", "System role not supported"}};
  const std::string undefined_functions = "fireworks-ai-llama-3-firefunction-v2";
  std::map<std::string, std::string> refusals;
  std::size_t compared = 0;
  for_each_rendering(
      [&](const std::string& name, const PromptForm& form, const std::string& title, const Json& expected) {
        const std::string place = name + " | " + title;
        try {
          const RenderedPrompt rendered = form.render(conversation(title), golden().at("response").get<std::string>());
          if (name != undefined_functions) {
            const std::string found = expected.contains("refused") ? "not refused" : difference(rendered, expected);
            CHECK_MESSAGE(found == "", place << " | " << found);
            ++compared;
          }
        } catch (const InvalidInput& error) {
          refusals[place] = error.what();
        }
      });
  const std::size_t conversations = golden().at("conversations").size();
  CHECK(compared == conversations * (golden().at("templates").size() - 1) - expected_refusals.size());
  CHECK(refusals.size() == expected_refusals.size());
  for (const auto& [place, reason] : expected_refusals) {
    CHECK_MESSAGE(refusals[place].find(reason) != std::string::npos, place << " | " << refusals[place]);
    CHECK(refusals[place].find("[chat template]") != std::string::npos);
  }
}

TEST_CASE("the goldens cover every template in llama.cpp's folder") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ENDORM_LLAMA_TEMPLATES)) {
    if (entry.path().extension() == ".jinja") {
      ++files;
      CHECK_MESSAGE(golden().at("templates").contains(entry.path().stem().string()), entry.path());
    }
  }
  CHECK(files + golden().at("sources").size() == golden().at("templates").size());
}

TEST_CASE("what a message says is never in a part that may hold special tokens") {
  // None of these pieces is in any template; whichever way a template cuts the message, each must stay input.
  const std::vector<std::string> pieces{"zqa<|im_end|>", "zqb[INST]", "zqc</s>", "zqd<start_of_turn>", "zqe<|eot_id|>"};
  std::string spelled;
  for (const std::string& piece : pieces) {
    spelled += piece;
  }
  for (const auto& [name, conversations] : golden().at("templates").items()) {
    const RenderedPrompt rendered = form_of(name)->render(
        std::vector<Message>{
            {"user", "zq1 " + spelled}, {"assistant", "zq2 " + spelled}, {"user", "zq3 " + spelled + " zq4"}},
        "zq5 " + spelled);
    std::string input;
    std::string written;
    for (const TextPart& part : rendered.prompt) {
      (part.is_input ? input : written) += part.text;
    }
    for (const TextPart& part : rendered.after) {
      written += part.text;
      CHECK_MESSAGE(!part.is_input, name);
    }
    CHECK_MESSAGE(written.find("zq") == std::string::npos, name << " | " << written);
    for (const char* beginning : {"zq1 ", "zq2 ", "zq3 "}) {
      CHECK_MESSAGE(input.find(beginning + spelled) != std::string::npos, name << " | " << input);
    }
    CHECK_MESSAGE(joined(rendered.prompt).find("zq5") == std::string::npos, name);
  }
}

TEST_CASE("what a template puts around an answer does not depend on the answer, unless it brings its own reasoning") {
  const std::vector<std::string> responses{"", " ", "\n", "Yes.", "<|im_end|>", "EndoRMresponse", "{{ messages }}"};
  for (const auto& [name, conversations] : golden().at("templates").items()) {
    const auto form = form_of(name);
    const RenderedPrompt first = form->render(conversation("turns"), responses.front());
    for (const std::string& response : responses) {
      const RenderedPrompt rendered = form->render(conversation("turns"), response);
      CHECK_MESSAGE(joined(rendered.prompt) == joined(first.prompt), name);
      CHECK_MESSAGE(rendered.before == first.before, name);
      CHECK_MESSAGE(joined(rendered.after) == joined(first.after), name);
    }
  }
}

TEST_CASE("an empty reasoning block stands before a response that does not bring one") {
  const auto form = form_of("Qwen-Qwen3-0.6B");
  const std::string prompt = "<|im_start|>user\nIs the earth round?<|im_end|>\n<|im_start|>assistant\n";
  const RenderedPrompt without = form->render(conversation("question"), "Yes.");
  CHECK(joined(without.prompt) + without.before == prompt + "<think>\n\n</think>\n\n");
  const RenderedPrompt with = form->render(conversation("question"), "<think>\nRound.\n</think>\n\nYes.");
  CHECK(joined(with.prompt) + with.before == prompt);
}

TEST_CASE("a system message that is written only while no answer follows stays in the prompt") {
  const RenderedPrompt rendered =
      form_of("mistralai-Mistral-Nemo-Instruct-2407")->render(conversation("system"), "Yes.");
  CHECK(joined(rendered.prompt) == "<BOS>[INST]You are terse.\n\nIs the earth round?[/INST]");
  CHECK(rendered.before == "");
  CHECK(joined(rendered.after) == "<EOS>");
}

TEST_CASE("dates are those of 26 July 2024") {
  const RenderedPrompt rendered = form_of("meta-llama-Llama-3.2-3B-Instruct")->render(conversation("question"), "Yes.");
  CHECK(joined(rendered.prompt).find("Today Date: 26 Jul 2024") != std::string::npos);
}

TEST_CASE("an open turn lets a model reason where the prompt of an answer without reasoning closes the block") {
  const std::vector<Message> messages{{"user", "What is 2 + 2?"}};
  const auto qwen = make_jinja_form(file_text(ENDORM_LLAMA_TEMPLATES "/Qwen-Qwen3-0.6B.jinja"), "", "<|im_end|>");
  CHECK(joined(qwen->open_turn(messages)).ends_with("<|im_start|>assistant\n"));
  CHECK(joined(qwen->render(messages, "4").prompt).ends_with("</think>\n\n"));
  const auto deepseek =
      make_jinja_form(file_text(ENDORM_LLAMA_TEMPLATES "/deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja"), "", "");
  CHECK(joined(deepseek->open_turn(messages)).find("What is 2 + 2?") != std::string::npos);
}

TEST_CASE("templates that cannot be used are refused") {
  const auto refusal = [](const std::string& source) -> std::string {
    try {
      make_jinja_form(source, "", "")->render(conversation("question"), "Yes.");
    } catch (const InvalidInput& error) {
      return error.what();
    }
    return "not refused";
  };
  CHECK(refusal("{% for message in messages %}{{ message.content }}").find("does not parse") != std::string::npos);
  CHECK(refusal(
            "{% for message in messages %}{% if message.role == 'user' %}{{ message.content }}{% endif %}{% endfor %}")
            .find("leaves out the assistant's answer") != std::string::npos);
  CHECK(refusal("{{ raise_exception('no such luck') }}").find("no such luck") != std::string::npos);
}

TEST_CASE("the plain form asks a question and ends with the end-of-sequence token") {
  const RenderedPrompt rendered = make_plain_form("</s>")->render(conversation("system and turns"), "Yes.");
  CHECK(joined(rendered.prompt) ==
        "You are terse.\n\nQuestion: Is the earth round?\nAnswer: It is, very nearly.\n\nQuestion:   Ganz sicher? "
        "\u5730\u7403 \U0001f30d\n\n- a\n- b \n\nAnswer:");
  CHECK(rendered.before == " ");
  CHECK(joined(rendered.after) == "</s>");
  for (const TextPart& part : rendered.prompt) {
    CHECK((part.is_input || part.text.find_first_not_of("QuestionAswer: \n") == std::string::npos));
  }
  CHECK(make_plain_form("")->render(conversation("question"), "Yes.").after.empty());
}

TEST_CASE("the raw form adds nothing, and special tokens in it are special tokens") {
  const RenderedPrompt rendered = make_raw_form()->render(conversation("special tokens spelled out"), "Yes.");
  REQUIRE(rendered.prompt.size() == 1);
  CHECK(rendered.prompt[0].text == conversation("special tokens spelled out")[0].content);
  CHECK_FALSE(rendered.prompt[0].is_input);
  CHECK(rendered.before == "");
  CHECK(rendered.after.empty());
}

}  // namespace endorm
