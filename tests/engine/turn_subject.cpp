#include "tests/engine/turn_subject.h"

#include <filesystem>
#include <set>

#include <nlohmann/json.hpp>

#include "tests/engine/sequences.h"
#include "tests/paths.h"

namespace endorm {
namespace {

const char* const kQuestionJson = R"({"role":"user","content":"What is 2 + 2?"})";

// Texts that end generation wherever a vocabulary of llama.cpp has them.
std::vector<std::string> ends_of(const TemplateModel& model) {
  std::vector<std::string> ends{model.end, "<|endoftext|>"};
  for (const std::string& text : model.control) {
    const std::set<std::string> known{"<|eot_id|>", "<|im_end|>",    "<|return|>",       "<|call|>", "<|flush|>",
                                      "<|calls|>",  "<|eom_id|>",    "<|end_of_text|>",  "<eos>",    "<turn|>",
                                      "[e~[",       "<end_of_turn>", "<|tool_response>", "[EOS]",    "[EOT]"};
    const bool harmony = contains(model.source, "<|call|>") || contains(model.source, "<|calls|>");
    if (known.contains(text) || (text == "<|end|>" && !harmony) ||
        (text == "</s>" && !contains(model.source, "<|tool_response>")) ||
        text ==
            "<\xEF\xBD\x9C"
            "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>") {
      ends.push_back(text);
    }
  }
  return ends;
}

std::string stripped_end(std::string text) { return text.erase(text.find_last_not_of(" \t\r\n") + 1); }

// Where in a text the first of `ends` stands, and which it is; npos where there is none.
std::pair<std::size_t, std::string> first_end(const std::string& text, const std::vector<std::string>& ends) {
  std::pair<std::size_t, std::string> first{std::string::npos, ""};
  for (const std::string& end : ends) {
    if (const std::size_t at = text.find(end); at < first.first) {
      first = {at, end};
    }
  }
  return first;
}

}  // namespace

TemplateModel model_of(const std::string& source) {
  const TemplateRendering render(source, end_of(source));
  std::vector<std::string> renderings;
  const std::string question(kQuestionJson);
  const std::vector<std::string> messages{
      question, question + R"(,{"role":"assistant","content":"Four."},{"role":"user","content":"Sure?"})",
      question + R"(,{"role":"assistant","content":"",)" + std::string(kCall) + "}",
      question + R"(,{"role":"assistant","content":"Four.","reasoning_content":"Hm."})"};
  for (const std::string& list : messages) {
    for (const bool open : {true, false}) {
      try {
        renderings.push_back(render("[" + list + "]", open));
      } catch (const std::exception&) {
        continue;  // it knows no such messages
      }
    }
  }
  return template_model(source, renderings);
}

std::map<std::string, std::string> shipped_templates() {
  std::map<std::string, std::string> sources;
  for (const auto& entry : std::filesystem::directory_iterator(llama_path("models/templates"))) {
    if (entry.path().extension() == ".jinja") {
      sources[entry.path().stem().string()] = read_file(entry.path().string());
    }
  }
  const auto golden = nlohmann::json::parse(read_file(golden_path("chat_templates.json")));
  for (const auto& [name, source] : golden.at("sources").items()) {
    sources[name] = source.get<std::string>();
  }
  return sources;
}

TurnSubject::TurnSubject(const TemplateModel& its_model, MarkerKind kind, const TemporaryDirectory& directory)
    : model(its_model), markers(kind), ends(ends_of(its_model)), render(its_model.source, its_model.end) {
  LlamaEngineOptions settings;
  settings.model_path = directory.file("model.gguf");
  settings.cache_type = CacheType::kF32;
  settings.threads = 1;
  settings.gpu_layers = 0;
  settings.hash_model = false;
  write_template_model(settings.model_path, model, markers, markers == MarkerKind::kControl);
  engine = make_llama_engine(settings);
  form = make_jinja_form(model.source, "<BOS>", model.end);
}

std::string TurnSubject::rendered(const std::string& messages, bool open) const {
  const std::string list = "[" + std::string(kQuestionJson) + (messages.empty() ? "" : ",") + messages + "]";
  return render(list, open, options.arguments);
}

std::string TurnSubject::opening() const {
  const std::string text = asked();
  const std::size_t words = text.rfind(kQuestion[0].content);
  return words == std::string::npos ? text : text.substr(words + kQuestion[0].content.size());
}

std::vector<std::string> TurnSubject::variants() {
  std::vector<std::string> found;
  std::set<std::string> openings;
  for (const char* arguments :
       {"", R"({"enable_thinking":true,"thinking":true})", R"({"enable_thinking":false,"thinking":false})"}) {
    options.arguments = arguments;
    if (openings.insert(opening()).second) {
      found.emplace_back(arguments);
    }
  }
  return found;
}

TokenizedResponse TurnSubject::raw(const std::string& prompt, const std::string& text) const {
  const ResponseText response{text, true};
  return engine->tokenize_raw(prompt, std::span(&response, 1), options).front();
}

TokenizedResponse TurnSubject::read(const std::string& text, bool truncated, ResponseReading reading) const {
  const ResponseText response{text, truncated};
  TemplateOptions as = options;
  as.reading = reading;
  return engine->tokenize(kQuestion, std::span(&response, 1), as).front();
}

std::pair<std::string, std::string> TurnSubject::written_end(const std::string& after) const {
  if (const auto [at, end] = first_end(after, ends); at != std::string::npos) {
    return {after.substr(0, at), end};
  }
  const std::string followed =
      rendered(R"({"role":"assistant","content":"Four."},{"role":"user","content":"Sure?"})", false);
  const std::size_t begin = followed.rfind("Four.") + 5;
  const std::string next = followed.substr(begin, followed.rfind("Sure?") - begin);
  return {stripped_end(after), first_end(next, ends).second};
}

}  // namespace endorm
