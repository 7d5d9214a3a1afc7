#include "engine/turns/tokenizer.h"

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

#include "tests/paths.h"

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
class LoadedVocabulary {
 public:
  explicit LoadedVocabulary(const fs::path& path) {
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
      bytes += tokenizer_->vocabulary().token_bytes(token);
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

const LoadedVocabulary& shipped(const std::string& name) {
  static std::map<std::string, std::unique_ptr<LoadedVocabulary>> loaded;
  std::unique_ptr<LoadedVocabulary>& vocabulary = loaded[name];
  if (!vocabulary) {
    vocabulary = std::make_unique<LoadedVocabulary>(llama_path("models/ggml-vocab-" + name + ".gguf"));
  }
  return *vocabulary;
}

using Kind = TextPart::Kind;

// A text of a user, or of a template, and a response behind it.
PlacedResponse placed(const std::string& prompt, const std::string& response, Kind kind = Kind::kInput,
                      const std::string& after = {}) {
  PlacedResponse result;
  result.prompt = {{prompt, kind}};
  result.response = {{response, Kind::kResponse}};
  if (!after.empty()) {
    result.after = {{after, Kind::kTemplate}};
  }
  return result;
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
  const std::string file = llama_path("models/ggml-vocab-" + name + ".gguf");
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
  static const Json read = Json::parse(file_text(source_path("tests/golden/tokenizer_texts.json")));
  return read.at("texts");
}

const char* const kVocabularies[] = {"llama-bpe", "llama-spm", "phi-3",         "qwen2",     "qwen35",
                                     "gemma-4",   "falcon",    "deepseek-llm",  "command-r", "gpt-2",
                                     "refact",    "starcoder", "deepseek-coder"};

}  // namespace

TEST_CASE("plain text gives the tokens that llama.cpp's vocabularies are shipped with") {
  std::size_t compared = 0;
  for (const std::string name : kVocabularies) {
    const LoadedVocabulary& vocabulary = shipped(name);
    for (const auto& [text, expected] : shipped_texts(name)) {
      TokenizedResponse tokenized = vocabulary->tokenize(placed(text, ""), true, {});
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
    const LoadedVocabulary& vocabulary = shipped(name);
    for (const Json& entry : smollm2_texts()) {
      // A letter behind it: a text that ends with the spelling of an end has ended there.
      const std::string text = entry.at("text").get<std::string>() + "x";
      INFO(name << " | " << text);
      const TokenizedResponse tokenized = vocabulary->tokenize(
          placed("What is it?\n", text, Kind::kInput, vocabulary->vocabulary().eos_text()), false, {});
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
        CHECK(text.substr(begin, size) == vocabulary->vocabulary().token_bytes(body[t]));
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
    const LoadedVocabulary& vocabulary = shipped(name);
    INFO(name << " | " << special);
    const auto specials = [&](const std::string& text, Kind kind) {
      const TokenizedResponse tokenized = vocabulary->tokenize(placed(text, "", kind), true, {});
      return vocabulary.special_count(tokenized.prompt) - (llama_vocab_get_add_bos(vocabulary.vocab()) ? 1 : 0);
    };
    CHECK(specials("a" + special + "b" + special, Kind::kInput) == 0);
    CHECK(specials("a" + special + "b" + special, Kind::kTemplate) == 2);
    const TokenizedResponse as_text = vocabulary->tokenize(placed("a", "x" + special + "y"), true, {});
    CHECK(vocabulary.special_count(as_text.response) == 0);
    CHECK(vocabulary.text(as_text.response).ends_with("x" + special + "y"));
    PlacedResponse raw = placed("a", "", Kind::kTemplate);
    raw.response = {{"x" + special + "y", Kind::kTemplate}};
    CHECK(vocabulary.special_count(vocabulary->tokenize(raw, true, {}).response) == 1);

    // A special token cut in two by the border between template and message must not come together again.
    PlacedResponse cut;
    cut.prompt = {{special.substr(0, 2), Kind::kTemplate}, {special.substr(2), Kind::kInput}};
    const TokenizedResponse apart = vocabulary->tokenize(cut, true, {});
    CHECK(vocabulary.special_count(apart.prompt) == (llama_vocab_get_add_bos(vocabulary.vocab()) ? 1 : 0));
  }
}

TEST_CASE("BOS stands once at the start, whether the template writes it or not") {
  for (const std::string name : {"llama-bpe", "llama-spm", "gemma-4", "command-r", "deepseek-llm"}) {
    const LoadedVocabulary& vocabulary = shipped(name);
    INFO(name);
    const Token bos = llama_vocab_bos(vocabulary.vocab());
    REQUIRE(llama_vocab_get_add_bos(vocabulary.vocab()));
    PlacedResponse written = placed("", " world");
    written.prompt = {{vocabulary->vocabulary().bos_text(), Kind::kTemplate}, {"Hello", Kind::kInput}};
    for (const PlacedResponse& response : {written, placed("Hello", " world")}) {
      const TokenizedResponse tokenized = vocabulary->tokenize(response, true, {});
      CHECK(tokenized.prompt.front() == bos);
      CHECK(std::count(tokenized.prompt.begin(), tokenized.prompt.end(), bos) == 1);
      CHECK(std::count(tokenized.response.begin(), tokenized.response.end(), bos) == 0);
    }
    CHECK(vocabulary->tokenize(placed("", "Hello"), true, {}).prompt == Tokens{bos});
  }
  const LoadedVocabulary& without = shipped("qwen2");
  CHECK_FALSE(llama_vocab_get_add_bos(without.vocab()));
  CHECK(without->tokenize(placed("", "Hello"), true, {}).prompt.empty());
}

TEST_CASE("a response is tokenized as the prompt's continuation, and alone where tokens would merge with the prompt") {
  const LoadedVocabulary& vocabulary = shipped("qwen2");
  const auto tokens = [&](const std::string& text) { return vocabulary->tokenize_prompt(placed(text, "").prompt); };
  const TokenizedResponse apart = vocabulary->tokenize(placed("Answer:", " Paris"), true, {});
  CHECK_FALSE(apart.boundary_split);
  Tokens whole = apart.prompt;
  whole.insert(whole.end(), apart.response.begin(), apart.response.end());
  CHECK(whole == tokens("Answer: Paris"));

  const TokenizedResponse merging = vocabulary->tokenize(placed("Par", "is"), true, {});
  CHECK(tokens("Paris").size() < tokens("Par").size() + tokens("is").size());
  CHECK(merging.boundary_split);
  CHECK(merging.prompt == tokens("Par"));
  CHECK(merging.response == tokens("is"));
}

TEST_CASE("the end-of-turn token is scored once and the newline behind it on request") {
  const LoadedVocabulary& vocabulary = shipped("qwen2");
  const PlacedResponse finished = placed("Hello", " world", Kind::kInput, "<|im_end|>\n");
  const auto response = [&](bool truncated, bool end_of_turn, bool newline) {
    TemplateOptions options;
    options.end_of_turn = end_of_turn;
    options.template_newline = newline;
    const TokenizedResponse tokenized = vocabulary->tokenize(finished, truncated, options);
    CHECK((tokenized.finish == Finish::kEndOfTurn) == (!truncated && end_of_turn));
    CHECK_FALSE(tokenized.spelled_end);
    return vocabulary.text(tokenized.response);
  };
  CHECK(response(false, true, false) == " world<|im_end|>");
  CHECK(response(false, true, true) == " world<|im_end|>\n");
  CHECK(response(false, false, false) == " world");
  CHECK(response(true, true, false) == " world");
}

TEST_CASE("a text that ends with the spelling of the token that ends a turn has ended with it, once") {
  const LoadedVocabulary& vocabulary = shipped("qwen2");
  const auto tokenize = [&](const std::string& text, bool truncated, const TemplateOptions& options = {}) {
    return vocabulary->tokenize(placed("Hello", text, Kind::kInput, "<|im_end|>\n"), truncated, options);
  };
  const TokenizedResponse plain = tokenize(" world", false);
  for (const char* ends : {"<|im_end|>", "<|im_end|>\n", "<|im_end|><|endoftext|>", "<|im_end|><|im_end|>",
                           "<|im_end|>\n<|endoftext|><|endoftext|>\n", "<|im_end|> <|im_end|>\n\n"}) {
    for (const bool truncated : {false, true}) {
      INFO(ends);
      const TokenizedResponse ended = tokenize(std::string(" world") + ends, truncated);
      CHECK(ended.spelled_end);
      CHECK(ended.finish == Finish::kEndOfTurn);
      CHECK(ended.response == plain.response);
      CHECK(ended.byte_offsets.front() == 0);
      CHECK(ended.byte_offsets.size() == ended.response.size());
      CHECK(ended.byte_offsets.back() == 6);  // of the given text: the end stands there
    }
  }
  // Another of the model's ends is that one, not the template's.
  const TokenizedResponse other = tokenize(" world<|endoftext|>", false);
  CHECK(vocabulary.text(other.response) == " world<|endoftext|>");
  CHECK(vocabulary.special_count(other.response) == 1);
  // In the middle it stays text.
  const TokenizedResponse middle = tokenize(" world<|im_end|> and on", false);
  CHECK_FALSE(middle.spelled_end);
  CHECK(vocabulary.special_count(middle.response) == 1);
  CHECK(vocabulary.text(middle.response) == " world<|im_end|> and on<|im_end|>");
  const TokenizedResponse twice = tokenize("<|im_end|> world<|im_end|>", false);
  CHECK(twice.spelled_end);
  CHECK(vocabulary.special_count(twice.response) == 1);
  // Nothing but an end is a response of one token; where ends are not scored, of none.
  CHECK(tokenize("<|im_end|>", false).response.size() == 1);
  TemplateOptions options;
  options.end_of_turn = false;
  CHECK(vocabulary.text(tokenize(" world<|im_end|>\n", false, options).response) == " world");
  CHECK(tokenize("<|im_end|>", false, options).response.empty());
  options.end_of_turn = true;
  options.template_newline = true;
  CHECK(vocabulary.text(tokenize(" world<|im_end|>\n", false, options).response) == " world<|im_end|>\n");
  // A message that a template wrote is no text that a model spelled.
  PlacedResponse message = placed("Hello", " world<|im_end|>", Kind::kInput, "<|im_end|>\n");
  message.is_message = true;
  CHECK_FALSE(vocabulary->tokenize(message, false, {}).spelled_end);
}

TEST_CASE("the first token behind the text that ends a turn ends it, and what else the template writes is not scored") {
  const LoadedVocabulary& vocabulary = shipped("qwen2");
  const std::string after = "</answer>\n<|im_end|>\n<|endoftext|><|im_start|>user";
  PlacedResponse text = placed("Hello", " world", Kind::kInput, after);
  CHECK(vocabulary.text(vocabulary->tokenize(text, false, {}).response) == " world<|im_end|>");
  CHECK(vocabulary.text(vocabulary->tokenize(text, true, {}).response) == " world");
  // What the template puts before it is the response's own where the template wrote the turn.
  text.whole_after = true;
  const TokenizedResponse whole = vocabulary->tokenize(text, false, {});
  CHECK(vocabulary.text(whole.response) == " world</answer>\n<|im_end|>");
  CHECK(whole.finish == Finish::kEndOfTurn);
  // No such token there: nothing is scored behind the text.
  const TokenizedResponse endless = vocabulary->tokenize(placed("Hello", " world", Kind::kInput, "\n[END]"), false, {});
  CHECK(vocabulary.text(endless.response) == " world");
  CHECK(endless.finish != Finish::kEndOfTurn);
}

TEST_CASE("tokens that the template writes within a turn are those tokens in a response, in whole openings alone") {
  const LoadedVocabulary& vocabulary = shipped("qwen2");
  Tokenizer tokenizer(vocabulary.vocab());
  tokenizer.set_turn_tokens("<|im_start|>assistant\n<|im_end|>", "<|im_start|>assistant\n");
  const auto specials = [&](const std::string& text) {
    return vocabulary.special_count(tokenizer.tokenize(placed("Hello", text), true, {}).response);
  };
  CHECK(specials("So.<|im_start|>assistant\nYes.") == 1);
  CHECK(specials("So.<|im_start|>user\nYes.") == 0);  // another opening than the turn's own
  CHECK(specials("So.<|im_end|>\nYes.") == 0);        // what ends a turn never stands within one
  CHECK(specials("So.<|endoftext|>Yes.") == 0);       // not of this template
  CHECK(vocabulary.special_count(tokenizer.tokenize_prompt(placed("<|im_start|>assistant\n", "").prompt)) == 0);
  tokenizer.set_turn_tokens("<|im_start|>", "");
  CHECK(specials("So.<|im_start|>user\nYes.") == 1);
}

TEST_CASE("tokens that are given are taken as they are, ended once") {
  const LoadedVocabulary& vocabulary = shipped("qwen2");
  const Tokens prompt = vocabulary->tokenize_prompt(placed("Hello", "").prompt);
  const Tokens words = vocabulary->tokenize(placed("Hello", " world"), true, {}).response;
  const Token end = vocabulary->tokenize_prompt(placed("<|im_end|>", "", Kind::kTemplate).prompt).front();
  const Token pad = llama_vocab_eos(vocabulary.vocab());
  const auto with = [&](std::initializer_list<Token> behind) {
    Tokens tokens = words;
    tokens.insert(tokens.end(), behind);
    return tokens;
  };
  const TokenizedResponse open = vocabulary->of_tokens(prompt, words);
  CHECK(open.prompt == prompt);
  CHECK(open.response == words);
  CHECK(open.finish != Finish::kEndOfTurn);
  CHECK(open.context == ResponseContext::kTokens);
  CHECK(open.text == " world");
  for (const Tokens& ended : {with({end}), with({end, end}), with({end, pad, pad})}) {
    const TokenizedResponse taken = vocabulary->of_tokens(prompt, ended);
    CHECK(taken.response == with({end}));
    CHECK(taken.finish == Finish::kEndOfTurn);
    CHECK(taken.text == " world");
    CHECK(taken.byte_offsets.size() == taken.response.size());
    CHECK(taken.byte_offsets.back() == taken.text.size());
  }
  Tokens middle = with({end});
  middle.insert(middle.end(), words.begin(), words.end());
  CHECK(vocabulary->of_tokens(prompt, middle).response == middle);
  CHECK(vocabulary->of_tokens(prompt, middle).finish != Finish::kEndOfTurn);
}

TEST_CASE("SmolLM2's tokens are those of transformers") {
  const fs::path path = fs::path(directory_of_models()) / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(path)) {
    MESSAGE("SKIPPED: " << path << " is not there. Fetch it with: endorm models fetch smollm2-135m");
    return;
  }
  const LoadedVocabulary vocabulary(path);
  for (const Json& entry : smollm2_texts()) {
    const auto text = entry.at("text").get<std::string>();
    INFO(text);
    CHECK(vocabulary->tokenize_prompt(placed(text, "").prompt) == entry.at("plain").get<Tokens>());
    CHECK(vocabulary->tokenize_prompt(placed(text, "", Kind::kTemplate).prompt) == entry.at("special").get<Tokens>());
  }
}

}  // namespace endorm
