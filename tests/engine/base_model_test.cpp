#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <doctest/doctest.h>
#include <llama.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/errors.h"
#include "engine/llama/llama_engine.h"
#include "tests/paths.h"

namespace endorm {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Nats. ggml's CPU code takes GELU from a table in half precision, which moves this model by up to 2.3e-3. With that
// table in the reference 1.7e-3 remain, whose cause is not known; flash attention, which is off here, adds another
// 2e-3.
constexpr double kTolerance = 2.5e-3;
constexpr double kGeluTolerance = 5e-3;
constexpr Token kBos = 2;
constexpr Token kEos = 1;

// Gemma 3 270M as it was pretrained: no chat template in the file.
fs::path base_model() {
  const char* chosen = std::getenv("ENDORM_CACHE_DIR");
  const char* home = std::getenv("HOME");
  const fs::path cache = chosen ? fs::path(chosen) : fs::path(home ? home : "") / ".cache/endorm";
  return cache / "models/gemma-3-270m-q4_k_m.gguf";
}

bool absent() {
  if (fs::exists(base_model())) {
    return false;
  }
  MESSAGE("SKIPPED: " << base_model() << " is not there. Fetch it with: endorm models fetch gemma3-270m-base");
  return true;
}

std::unique_ptr<LlamaEngine> engine_with(TemplateSource source, const std::string& text = "",
                                         const fs::path& file = base_model()) {
  LlamaEngineOptions options;
  options.model_path = file.string();
  options.template_source = source;
  options.template_text = text;
  options.cache_type = CacheType::kF32;
  options.gpu_layers = 0;
  options.hash_model = false;
  options.flash_attention = false;
  return make_llama_engine(options);
}

TokenizedResponse tokenized(const Engine& engine, const std::string& prompt, const std::string& response) {
  return engine.tokenize(std::vector<Message>{{"user", prompt}}, std::vector<ResponseText>{{response, false}}, {})
      .front();
}

std::vector<double> log_probs(Engine& engine, const TokenizedResponse& sequence) {
  TokenTree tree;
  tree.insert(sequence.prompt, sequence.response);
  std::vector<double> values;
  const std::vector<TokenStats> all = engine.evaluate(tree, {}).front();
  for (const TokenStats& stats : all) {
    values.push_back(stats.logit - stats.log_sum_exp);
  }
  return values;
}

double log_prob(Engine& engine, const std::string& prompt, const std::string& response) {
  const std::vector<double> values = log_probs(engine, tokenized(engine, prompt, response));
  return std::accumulate(values.begin(), values.end(), 0.0);
}

std::string text_of(const Engine& engine, std::span<const Token> tokens) {
  std::string text;
  for (const Token token : tokens) {
    text += engine.token_bytes(token);
  }
  return text;
}

std::string refusal(const Engine& engine) {
  try {
    tokenized(engine, "What is the capital of France?", "Paris");
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "not refused";
}

// The model with every weight dequantised to f32, for as long as the object lives: what the reference was computed
// with. Quantised weights would have the engine round activations too.
class DequantisedModel {
 public:
  DequantisedModel() : path_(fs::temp_directory_path() / ("endorm_base_" + std::to_string(::getpid()) + ".gguf")) {
    llama_model_quantize_params parameters = llama_model_quantize_default_params();
    parameters.ftype = LLAMA_FTYPE_ALL_F32;
    parameters.allow_requantize = true;
    REQUIRE(llama_model_quantize(base_model().c_str(), path_.c_str(), &parameters) == 0);
  }
  ~DequantisedModel() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  DequantisedModel(const DequantisedModel&) = delete;
  DequantisedModel& operator=(const DequantisedModel&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("a model without a chat template asks for one and never guesses") {
  if (absent()) {
    return;
  }
  const auto engine = engine_with(TemplateSource::kModel);
  CHECK_FALSE(engine->model_info().has_chat_template);
  CHECK(engine->model().template_fingerprint == "none");
  const std::string message = refusal(*engine);
  CHECK(message.find("has no chat template") != std::string::npos);
  for (const char* remedy : {"--template plain", "--template FILE", "--template raw"}) {
    CHECK_MESSAGE(message.find(remedy) != std::string::npos, message);
  }
}

TEST_CASE("a base model under plain, raw and a template of one's own: one BOS, the text, and the end") {
  if (absent()) {
    return;
  }
  const std::string question = "What is the capital of France?";
  const std::string jinja =
      "{{ bos_token }}{% for message in messages %}{{ message.role }}: {{ message.content }}"
      "{% if message.role == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n' }}{% endfor %}"
      "{% if add_generation_prompt %}assistant: {% endif %}";
  struct Form {
    TemplateSource source;
    std::string text;
    std::string prompt;
    std::string response;
    Finish finish;
  };
  const std::vector<Form> forms{
      {TemplateSource::kPlain, "", "<bos>Question: " + question + "\nAnswer:", " Paris<eos>", Finish::kEndOfTurn},
      {TemplateSource::kFile, jinja, "<bos>user: " + question + "\nassistant: ", "Paris<eos>", Finish::kEndOfTurn},
      {TemplateSource::kRaw, "", "<bos>" + question, "Paris", Finish::kTruncated}};
  for (const Form& form : forms) {
    const auto engine = engine_with(form.source, form.text);
    INFO(form.prompt);
    CHECK(engine->model_info().adds_bos);
    const TokenizedResponse sequence = tokenized(*engine, question, "Paris");
    CHECK(text_of(*engine, sequence.prompt) == form.prompt);
    CHECK(text_of(*engine, sequence.response) == form.response);
    CHECK(sequence.finish == form.finish);
    CHECK(sequence.prompt.front() == kBos);
    CHECK(std::count(sequence.prompt.begin(), sequence.prompt.end(), kBos) == 1);
    CHECK(std::count(sequence.response.begin(), sequence.response.end(), kBos) == 0);
    CHECK(std::count(sequence.response.begin(), sequence.response.end(), kEos) ==
          (form.finish == Finish::kEndOfTurn ? 1 : 0));
  }
  // Raw text may bring its own special tokens; they are not doubled.
  const TokenizedResponse raw =
      tokenized(*engine_with(TemplateSource::kRaw), "<bos>Question: " + question + "\nAnswer:", " Paris<eos>");
  const TokenizedResponse plain = tokenized(*engine_with(TemplateSource::kPlain), question, "Paris");
  CHECK(raw.prompt == plain.prompt);
  CHECK(raw.response == plain.response);
  CHECK(raw.finish == Finish::kEndOfTurn);
}

TEST_CASE("a base model thinks a correct answer likelier than a wrong one under plain") {
  if (absent()) {
    return;
  }
  const auto engine = engine_with(TemplateSource::kPlain);
  struct Choice {
    std::string question;
    std::string correct;
    std::string wrong;
  };
  const std::vector<Choice> choices{{"What is the capital of France?", "Paris", "Madrid"},
                                    {"What colour is the sky on a clear day?", "Blue", "Green"},
                                    {"Which planet do we live on?", "Earth", "Jupiter"},
                                    {"What is the opposite of hot?", "Cold", "Loud"},
                                    {"What do bees make?", "Honey", "Steel"}};
  for (const Choice& choice : choices) {
    const double correct = log_prob(*engine, choice.question, choice.correct);
    const double wrong = log_prob(*engine, choice.question, choice.wrong);
    INFO(choice.question << " " << correct << " nats against " << wrong);
    CHECK(correct > wrong);
  }
}

TEST_CASE("a base model's log-probabilities are those of transformers in f32") {
  if (absent()) {
    return;
  }
  std::ifstream file(source_path("tests/golden/gemma3_base.json"));
  REQUIRE(file);
  const Json golden = Json::parse(file);
  const DequantisedModel dequantised;
  const auto engine = engine_with(TemplateSource::kPlain, "", dequantised.path());
  double largest = 0.0;
  double largest_exact = 0.0;
  for (const Json& answer : golden.at("answers")) {
    INFO(answer.at("question").get<std::string>());
    const TokenizedResponse sequence = tokenized(*engine, answer.at("question"), answer.at("response"));
    CHECK(sequence.prompt == answer.at("prompt_tokens").get<Tokens>());
    REQUIRE(sequence.response == answer.at("response_tokens").get<Tokens>());
    const std::vector<double> values = log_probs(*engine, sequence);
    const auto exact = answer.at("log_prob").get<std::vector<double>>();
    const auto with_table = answer.at("half_precision_gelu").get<std::vector<double>>();
    REQUIRE(values.size() == exact.size());
    REQUIRE(values.size() == with_table.size());
    for (std::size_t t = 0; t < values.size(); ++t) {
      CHECK(std::abs(values[t] - with_table[t]) <= kTolerance);
      CHECK(std::abs(values[t] - exact[t]) <= kGeluTolerance);
      largest = std::max(largest, std::abs(values[t] - with_table[t]));
      largest_exact = std::max(largest_exact, std::abs(values[t] - exact[t]));
    }
  }
  MESSAGE("largest difference of a log-probability: " << largest << " nats; with exact GELU " << largest_exact);
}

}  // namespace endorm
