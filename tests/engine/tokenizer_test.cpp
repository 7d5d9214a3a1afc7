#include "engine/tokenizer.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>

#include <doctest/doctest.h>
#include <llama.h>
#include <nlohmann/json.hpp>

namespace endorm {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string file_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file, path << " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

struct ModelDeleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
};

// A real vocabulary, loaded without weights.
class Vocabulary {
 public:
  explicit Vocabulary(const fs::path& path) {
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    llama_model_params parameters = llama_model_default_params();
    parameters.vocab_only = true;
    model_.reset(llama_model_load_from_file(path.c_str(), parameters));
    REQUIRE_MESSAGE(model_, path << " cannot be loaded");
    tokenizer_ = std::make_unique<Tokenizer>(vocab());
  }

  const llama_vocab* vocab() const { return llama_model_get_vocab(model_.get()); }
  const Tokenizer* operator->() const { return tokenizer_.get(); }
  std::string text(std::span<const Token> tokens) const {
    std::string bytes;
    for (const Token token : tokens) {
      bytes += tokenizer_->token_bytes(token);
    }
    return bytes;
  }
  std::ptrdiff_t special_count(std::span<const Token> tokens) const {
    return std::count_if(tokens.begin(), tokens.end(), [&](Token token) {
      return (llama_vocab_get_attr(vocab(), token) & LLAMA_TOKEN_ATTR_CONTROL) != 0;
    });
  }

 private:
  std::unique_ptr<llama_model, ModelDeleter> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

const Vocabulary& shipped(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Vocabulary>> loaded;
  std::unique_ptr<Vocabulary>& vocabulary = loaded[name];
  if (!vocabulary) {
    vocabulary = std::make_unique<Vocabulary>(fs::path(ENDORM_LLAMA_MODELS) / ("ggml-vocab-" + name + ".gguf"));
  }
  return *vocabulary;
}

RenderedPrompt user_text(const std::string& text, bool is_input = true) {
  RenderedPrompt rendered;
  rendered.prompt.push_back({text, is_input});
  return rendered;
}

std::string directory_of_models() {
  if (const char* chosen = std::getenv("ENDORM_CACHE_DIR")) {
    return std::string(chosen) + "/models";
  }
  const char* home = std::getenv("HOME");
  return std::string(home ? home : "") + "/.cache/endorm/models";
}

// The texts that llama.cpp ships with a vocabulary, and the tokens that the model's original tokenizer gives.
std::vector<std::pair<std::string, Tokens>> shipped_texts(const std::string& name) {
  const std::string file = std::string(ENDORM_LLAMA_MODELS) + "/ggml-vocab-" + name + ".gguf";
  const std::string separator = "\n__ggml_vocab_test__\n";
  const std::string input = file_text(file + ".inp");
  std::istringstream output(file_text(file + ".out"));
  std::vector<std::pair<std::string, Tokens>> texts;
  std::size_t begin = 0;
  for (std::string line; std::getline(output, line);) {
    REQUIRE(begin < input.size());
    const std::size_t end = std::min(input.find(separator, begin), input.size());
    std::istringstream numbers(line);
    texts.emplace_back(input.substr(begin, end - begin), Tokens(std::istream_iterator<Token>(numbers), {}));
    begin = end + separator.size();
  }
  REQUIRE(begin >= input.size());
  return texts;
}

// Texts in which a tokenizer may go wrong: the kinds are those of tests/golden/tokenizer_texts.py.
const Json& smollm2_texts() {
  static const Json read = Json::parse(file_text(ENDORM_SOURCE_DIR "/tests/golden/tokenizer_texts.json"));
  return read.at("texts");
}

const char* const kVocabularies[] = {"llama-bpe", "llama-spm", "phi-3",         "qwen2",     "qwen35",
                                     "gemma-4",   "falcon",    "deepseek-llm",  "command-r", "gpt-2",
                                     "refact",    "starcoder", "deepseek-coder"};

}  // namespace

TEST_CASE("plain text gives the tokens that llama.cpp's vocabularies are shipped with") {
  std::size_t compared = 0;
  for (const std::string name : kVocabularies) {
    const Vocabulary& vocabulary = shipped(name);
    for (const auto& [text, expected] : shipped_texts(name)) {
      TokenizedResponse tokenized = vocabulary->tokenize(user_text(text), {"", true}, {}, false);
      if (llama_vocab_get_add_bos(vocabulary.vocab())) {
        REQUIRE(!tokenized.prompt.empty());
        CHECK(tokenized.prompt.front() == llama_vocab_bos(vocabulary.vocab()));
        tokenized.prompt.erase(tokenized.prompt.begin());
      }
      CHECK_MESSAGE(tokenized.prompt == expected, name << " | " << text);
      CHECK(tokenized.response.empty());
      ++compared;
    }
  }
  MESSAGE(compared << " texts in " << std::size(kVocabularies) << " vocabularies");
  CHECK(compared > 500);
}

TEST_CASE("a response's tokens spell it and lie in it, in every vocabulary") {
  for (const std::string name : kVocabularies) {
    const Vocabulary& vocabulary = shipped(name);
    RenderedPrompt rendered = user_text("What is it?\n");
    rendered.after.push_back({vocabulary->eos_text(), false});
    for (const Json& entry : smollm2_texts()) {
      const auto text = entry.at("text").get<std::string>();
      INFO(name << " | " << text);
      const TokenizedResponse tokenized = vocabulary->tokenize(rendered, {text, false}, {}, false);
      REQUIRE(!tokenized.response.empty());
      CHECK(tokenized.finish == Finish::kEndOfTurn);
      CHECK(tokenized.response.back() == llama_vocab_eos(vocabulary.vocab()));
      const std::span<const Token> body = std::span(tokenized.response).first(tokenized.response.size() - 1);
      CHECK(vocabulary.special_count(body) == 0);
      std::string spelled = vocabulary.text(body);
      if (tokenized.byte_offsets.empty()) {
        CHECK(spelled != text);  // only a vocabulary that rewrites text has no places in it
        continue;
      }
      if (spelled == " " + text) {
        spelled.erase(0, 1);  // the space that some vocabularies put before the first word
      }
      CHECK(spelled == text);
      REQUIRE(tokenized.byte_offsets.size() == tokenized.response.size());
      CHECK(std::is_sorted(tokenized.byte_offsets.begin(), tokenized.byte_offsets.end()));
      CHECK(tokenized.byte_offsets.front() == 0);
      CHECK(tokenized.byte_offsets.back() == text.size());
      for (std::size_t t = 1; t < body.size(); ++t) {
        const std::size_t begin = tokenized.byte_offsets[t];
        const std::size_t size = tokenized.byte_offsets[t + 1] - begin;
        CHECK(text.substr(begin, size) == vocabulary->token_bytes(body[t]));
      }
    }
  }
}

TEST_CASE("special tokens spelled out by a user are text, those of a template are tokens") {
  const std::vector<std::pair<std::string, std::string>> spelled_in{
      {"llama-bpe", "<|eot_id|>"}, {"llama-bpe", "<|begin_of_text|>"},
      {"llama-spm", "</s>"},       {"llama-spm", "<s>"},
      {"phi-3", "<|end|>"},        {"phi-3", "<|assistant|>"},
      {"qwen2", "<|im_end|>"},     {"qwen2", "<|endoftext|>"},
      {"gemma-4", "<eos>"}};
  for (const auto& [name, special] : spelled_in) {
    const Vocabulary& vocabulary = shipped(name);
    INFO(name << " | " << special);
    const auto specials = [&](const std::string& text, bool is_input) {
      const TokenizedResponse tokenized = vocabulary->tokenize(user_text(text, is_input), {"", true}, {}, false);
      return vocabulary.special_count(tokenized.prompt) - (llama_vocab_get_add_bos(vocabulary.vocab()) ? 1 : 0);
    };
    CHECK(specials("a" + special + "b" + special, true) == 0);
    CHECK(specials("a" + special + "b" + special, false) == 2);
    const TokenizedResponse as_text = vocabulary->tokenize(user_text("a"), {"x" + special, true}, {}, false);
    CHECK(vocabulary.special_count(as_text.response) == 0);
    CHECK(vocabulary.text(as_text.response).ends_with("x" + special));
    const TokenizedResponse as_raw = vocabulary->tokenize(user_text("a", false), {"x" + special, true}, {}, true);
    CHECK(vocabulary.special_count(as_raw.response) == 1);

    // A special token cut in two by the border between template and message must not come together again.
    RenderedPrompt cut;
    cut.prompt = {{special.substr(0, 2), false}, {special.substr(2), true}};
    const TokenizedResponse apart = vocabulary->tokenize(cut, {"", true}, {}, false);
    CHECK(vocabulary.special_count(apart.prompt) == (llama_vocab_get_add_bos(vocabulary.vocab()) ? 1 : 0));
  }
}

TEST_CASE("BOS stands once at the start, whether the template writes it or not") {
  for (const std::string name : {"llama-bpe", "llama-spm", "gemma-4", "command-r", "deepseek-llm"}) {
    const Vocabulary& vocabulary = shipped(name);
    INFO(name);
    const Token bos = llama_vocab_bos(vocabulary.vocab());
    REQUIRE(llama_vocab_get_add_bos(vocabulary.vocab()));
    RenderedPrompt written;
    written.prompt = {{vocabulary->bos_text(), false}, {"Hello", true}};
    for (const RenderedPrompt& rendered : {written, user_text("Hello")}) {
      const TokenizedResponse tokenized = vocabulary->tokenize(rendered, {" world", true}, {}, false);
      CHECK(tokenized.prompt.front() == bos);
      CHECK(std::count(tokenized.prompt.begin(), tokenized.prompt.end(), bos) == 1);
      CHECK(std::count(tokenized.response.begin(), tokenized.response.end(), bos) == 0);
    }
    CHECK(vocabulary->tokenize(user_text(""), {"Hello", true}, {}, false).prompt == Tokens{bos});
  }
  const Vocabulary& without = shipped("qwen2");
  CHECK_FALSE(llama_vocab_get_add_bos(without.vocab()));
  CHECK(without->tokenize(user_text(""), {"Hello", true}, {}, false).prompt.empty());
}

TEST_CASE("a response is tokenized as the prompt's continuation, and alone where tokens would merge with the prompt") {
  const Vocabulary& vocabulary = shipped("qwen2");
  const auto tokens = [&](const std::string& text) {
    return vocabulary->tokenize(user_text(text), {"", true}, {}, false).prompt;
  };
  const TokenizedResponse apart = vocabulary->tokenize(user_text("Answer:"), {" Paris", true}, {}, false);
  CHECK_FALSE(apart.boundary_split);
  Tokens whole = apart.prompt;
  whole.insert(whole.end(), apart.response.begin(), apart.response.end());
  CHECK(whole == tokens("Answer: Paris"));

  const TokenizedResponse merging = vocabulary->tokenize(user_text("Par"), {"is", true}, {}, false);
  CHECK(tokens("Paris").size() < tokens("Par").size() + tokens("is").size());
  CHECK(merging.boundary_split);
  CHECK(merging.prompt == tokens("Par"));
  CHECK(merging.response == tokens("is"));
}

TEST_CASE("the end-of-turn token is scored once and the newline behind it on request") {
  const Vocabulary& vocabulary = shipped("qwen2");
  RenderedPrompt rendered = user_text("Hello");
  rendered.after.push_back({"<|im_end|>\n", false});
  const auto response = [&](bool truncated, bool end_of_turn, bool newline) {
    const TokenizedResponse tokenized =
        vocabulary->tokenize(rendered, {" world", truncated}, {end_of_turn, newline}, false);
    CHECK((tokenized.finish == Finish::kEndOfTurn) == (!truncated && end_of_turn));
    return vocabulary.text(tokenized.response);
  };
  CHECK(response(false, true, false) == " world<|im_end|>");
  CHECK(response(false, true, true) == " world<|im_end|>\n");
  CHECK(response(false, false, false) == " world");
  CHECK(response(true, true, false) == " world");
}

TEST_CASE("SmolLM2's tokens are those of transformers") {
  const fs::path path = fs::path(directory_of_models()) / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(path)) {
    MESSAGE("SKIPPED: " << path << " is not there. Fetch it with: endorm models fetch smollm2-135m");
    return;
  }
  const Vocabulary vocabulary(path);
  for (const Json& entry : smollm2_texts()) {
    const auto text = entry.at("text").get<std::string>();
    INFO(text);
    CHECK(vocabulary->tokenize(user_text(text), {"", true}, {}, false).prompt == entry.at("plain").get<Tokens>());
    CHECK(vocabulary->tokenize(user_text(text, false), {"", true}, {}, false).prompt ==
          entry.at("special").get<Tokens>());
  }
}

}  // namespace endorm
