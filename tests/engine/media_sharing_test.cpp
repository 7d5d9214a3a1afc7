#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "engine/image_header.h"
#include "engine/llama/llama_engine.h"
#include "engine/read_whole_file.h"
#include "tests/engine/sequences.h"

// Media in prompts of tiny models: tests/golden/vision_models.py.
namespace endorm {
namespace {

std::string golden(const std::string& name) { return golden_path(name); }

std::shared_ptr<const Medium> picture(const std::string& name) {
  return make_medium(read_whole_file("test", golden("vision_" + name + ".png")));
}

Message seen(const std::vector<std::string>& pictures, const std::string& text) {
  Message message{"user", text};
  for (const std::string& name : pictures) {
    message.media.push_back({0, name, picture(name)});
  }
  return message;
}

LlamaEngineOptions options_of(const std::string& family) {
  LlamaEngineOptions options;
  options.model_path = golden("vision_" + family + ".gguf");
  options.projector_path = golden("mmproj-vision_" + family + ".gguf");
  return options;
}

const std::vector<std::string> kFamilies = {"idefics3", "qwen25vl", "gemma3", "internvl"};
const std::vector<ResponseText> kResponses = {{"A red circle."}, {"A blue square, and more."}, {"Two."}};

std::vector<TokenizedResponse> tokenized(const Engine& engine, const std::vector<std::vector<std::string>>& prompts) {
  std::vector<TokenizedResponse> all;
  for (const std::vector<std::string>& pictures : prompts) {
    const Message message = seen(pictures, "What is it?");
    for (TokenizedResponse& each : engine.tokenize(std::span(&message, 1), kResponses, {})) {
      all.push_back(std::move(each));
    }
  }
  return all;
}

std::vector<double> log_probs(Engine& engine, const std::vector<TokenizedResponse>& responses, bool share) {
  std::vector<TokenPath> paths;
  for (const TokenizedResponse& response : responses) {
    paths.push_back({response.prompt, response.response});
  }
  EvaluateOptions options;
  options.share_prefixes = share;
  std::vector<double> sums;
  const auto all = evaluate_paths(engine, paths, options);
  for (const std::vector<TokenStats>& stats : all.front()) {
    sums.push_back(0);
    for (const TokenStats& token : stats) {
      sums.back() += token.logit - token.log_sum_exp;
    }
  }
  return sums;
}

TEST_CASE("shared and unshared, together and alone, in small batches and waves, by kept prefixes: the same numbers") {
  const std::vector<std::vector<std::string>> prompts = {
      {"square"}, {"square", "wide"}, {"wide", "square"}, {"square", "square"}, {}, {"scene"}};
  for (const std::string& family : kFamilies) {
    CAPTURE(family);
    LlamaEngineOptions options = options_of(family);
    const auto engine = make_llama_engine(options);
    const std::vector<TokenizedResponse> responses = tokenized(*engine, prompts);
    const std::vector<double> together = log_probs(*engine, responses, true);
    const std::size_t computed = engine->tokens_computed();
    const std::vector<double> alone = log_probs(*engine, responses, false);
    CHECK(computed * 2 < engine->tokens_computed() - computed);
    options.batch_tokens = 16;
    options.wave_tokens = 24;
    const auto small = make_llama_engine(options);
    const std::vector<double> in_small = log_probs(*small, tokenized(*small, prompts), true);
    options.kept_prefix_tokens = 4096;
    options.batch_tokens = 512;
    const auto keeping = make_llama_engine(options);
    const std::vector<TokenizedResponse> again = tokenized(*keeping, prompts);
    log_probs(*keeping, again, true);
    const std::size_t before = keeping->tokens_computed();
    const std::vector<double> kept = log_probs(*keeping, again, true);
    CHECK(keeping->tokens_computed() - before < before);
    for (std::size_t i = 0; i < together.size(); ++i) {
      CAPTURE(i);
      // A bf16 key or a sum in another order moves a sum of ten tokens by some thousandths.
      CHECK(together[i] == doctest::Approx(alone[i]).epsilon(1e-4));
      CHECK(together[i] == doctest::Approx(in_small[i]).epsilon(1e-4));
      CHECK(together[i] == doctest::Approx(kept[i]).epsilon(1e-4));
    }
    CHECK(together[0] != doctest::Approx(together[15]).epsilon(1e-4));  // another picture is another number
    CHECK(together[3] != doctest::Approx(together[6]).epsilon(1e-4));   // and so is another order
  }
}

TEST_CASE("a picture is read as long as anyone holds its tokens, though whoever brought it first has gone") {
  const auto engine = make_llama_engine(options_of("idefics3"));
  std::vector<TokenizedResponse> first = tokenized(*engine, {{"square"}});
  const std::vector<TokenizedResponse> second = tokenized(*engine, {{"square"}});  // the same bytes, read anew
  CHECK(first.front().prompt == second.front().prompt);
  first.clear();
  const auto other = make_llama_engine(options_of("idefics3"));
  CHECK(log_probs(*engine, second, true) == log_probs(*other, tokenized(*other, {{"square"}}), true));
}

TEST_CASE("a text has the same tokens and numbers with a projector and without") {
  for (const std::string& family : kFamilies) {
    LlamaEngineOptions options = options_of(family);
    const auto with = make_llama_engine(options);
    options.projector_path.clear();
    const auto without = make_llama_engine(options);
    const std::vector<TokenizedResponse> texts = tokenized(*without, {{}});
    CHECK(tokenized(*with, {{}}).front().prompt == texts.front().prompt);
    CHECK(log_probs(*with, texts, true) == log_probs(*without, texts, true));
  }
}

TEST_CASE("what cannot be read, and what the model does not take, is refused") {
  const auto engine = make_llama_engine(options_of("idefics3"));
  const auto refusal = [&](const Engine& by, std::string bytes) {
    try {
      Message message{"user", "?"};
      message.media.push_back({0, "it", make_medium(std::move(bytes))});
      by.tokenize(std::span(&message, 1), kResponses, {});
    } catch (const InvalidInput& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  const std::string whole = picture("square")->bytes;
  for (std::size_t size = 9; size < whole.size(); size += 97) {
    CHECK(refusal(*engine, whole.substr(0, size)).find("cannot be read") != std::string::npos);
  }
  std::string bomb = whole;
  for (const std::size_t place : {std::size_t{16}, std::size_t{20}}) {  // width and height
    bomb.replace(place, 4, std::string("\x00\x00\x23\x28", 4));
  }
  CHECK(refusal(*engine, bomb).find("9000 x 9000") != std::string::npos);
  bomb.replace(16, 4, std::string(4, '\0'));
  CHECK(refusal(*engine, bomb).find("cannot be read") != std::string::npos);
  CHECK(refusal(*engine, "<svg/>").find("no picture") != std::string::npos);
  CHECK(refusal(*engine, std::string("RIFF\0\0\0\0WAVEfmt ", 16)).find("reads no sounds") != std::string::npos);
  LlamaEngineOptions blind = options_of("idefics3");
  blind.projector_path.clear();
  CHECK(refusal(*make_llama_engine(blind), whole).find("--mmproj") != std::string::npos);
  LlamaEngineOptions wrong = options_of("idefics3");
  for (const char* file : {"vision_gemma3.gguf", "vision_models.json", "none.gguf"}) {
    wrong.projector_path = golden(file);
    CHECK_THROWS_AS(make_llama_engine(wrong), const InvalidInput&);
  }
  const Message unread = [] {
    Message message{"user", "?"};
    message.media.push_back({0, "a.png"});
    return message;
  }();
  CHECK_THROWS_AS(engine->tokenize(std::span(&unread, 1), kResponses, {}), const InvalidInput&);
  CHECK_THROWS_AS(engine->text_form()->open_turn(std::span(&unread, 1)), const InvalidInput&);
}

TEST_CASE("a blank image has the size of its original") {
  for (const char* name : {"square", "wide", "tall", "uneven", "pixel", "scene"}) {
    const std::shared_ptr<const Medium> original = picture(name);
    const std::shared_ptr<const Medium> blank = blank_image_like(*original);
    CHECK(image_size(*blank).width == image_size(*original).width);
    CHECK(image_size(*blank).height == image_size(*original).height);
    CHECK(blank->sha256 != original->sha256);
  }
}

}  // namespace
}  // namespace endorm
