#include "score/media_source.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base64.h"
#include "core/errors.h"
#include "engine/scratch_directory.h"
#include "score/record.h"

namespace endorm {
namespace {

namespace fs = std::filesystem;

const std::string kPng = std::string("\x89PNG\r\n\x1a\n", 8) + "any";

std::vector<Message> with_source(const std::string& source) {
  Message message{"user", "see"};
  message.media.push_back({0, source});
  return {message};
}

std::string refusal(const std::string& source, const MediaRules& rules) {
  std::vector<Message> messages = with_source(source);
  try {
    load_media(messages, rules);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "none";
}

std::string uri_of(const std::string& bytes) {
  return "data:image/png;base64," + base64_of(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
}

TEST_CASE("files within the root are read, by relative and absolute names, and by none that lead out") {
  const ScratchDirectory scratch(fs::temp_directory_path(), "endorm-media-");
  const fs::path root = scratch.path() / "root";
  fs::create_directories(root / "in");
  std::ofstream(root / "in/a.png", std::ios::binary) << kPng;
  std::ofstream(scratch.path() / "secret.png", std::ios::binary) << kPng;
  fs::create_symlink(scratch.path() / "secret.png", root / "link.png");
  const MediaRules rules{root.string()};
  for (const std::string& source : {std::string("in/a.png"), std::string("in/../in/a.png"),
                                    (root / "in/a.png").string(), "file://" + (root / "in/a.png").string()}) {
    std::vector<Message> messages = with_source(source);
    load_media(messages, rules);
    REQUIRE(messages[0].media[0].medium);
    CHECK(messages[0].media[0].medium->bytes == kPng);
    CHECK(messages[0].media[0].medium->kind == MediumKind::kImage);
  }
  for (const std::string& source : {std::string("../secret.png"), std::string("link.png"), std::string("/etc/passwd"),
                                    (scratch.path() / "secret.png").string()}) {
    CHECK(refusal(source, rules).find("does not lie in") != std::string::npos);
  }
  CHECK(refusal("a.png", {"/", (root / "in").string()}) == "none");
  CHECK(refusal("none.png", rules).find("there is no such file") != std::string::npos);
  CHECK(refusal("in", rules).find("there is no such file") != std::string::npos);
  CHECK(refusal("in/a.png", {}).find("files are not read here") != std::string::npos);
  CHECK(refusal("in/a.png", {root.string(), "", 10}).find("more than 10") != std::string::npos);
  CHECK(refusal("https://example.org/a.png", rules).find("nothing is fetched") != std::string::npos);
}

TEST_CASE("data: URIs are read anywhere, and what is no medium is refused") {
  std::vector<Message> messages = with_source(uri_of(kPng));
  load_media(messages, {});
  CHECK(messages[0].media[0].medium->bytes == kPng);
  CHECK(messages[0].media[0].source == "sha256:" + messages[0].media[0].medium->sha256);
  CHECK(refusal(uri_of("<svg xmlns='http://www.w3.org/2000/svg'/>"), {}).find("this is no picture") !=
        std::string::npos);
  CHECK(refusal("data:image/png;base64,%%%", {}).find("is no base64") != std::string::npos);
  CHECK(refusal("data:image/png,abc", {}).find("a data: URI is") != std::string::npos);
  CHECK(refusal(uri_of(""), {}).find("this is no picture") != std::string::npos);
}

TEST_CASE("parts of a content are texts and media, in OpenAI's forms and in that of chat templates") {
  std::vector<std::string> unknown;
  const Request request = parse_request(
      R"({"prompt": [{"role": "user", "content": [{"type": "text", "text": "A "},
        {"type": "image_url", "image_url": {"url": "a.png"}}, {"type": "image_url", "image_url": "b.png"},
        {"type": "text", "text": "B"}, {"type": "image", "path": "c.png"}, {"type": "image", "image": "d.png"},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}]}], "response": "x"})",
      1, "\n\n", unknown);
  const Message& message = request.messages.at(0);
  CHECK(message.content == "A B");
  REQUIRE(message.media.size() == 5);
  const std::vector<std::pair<std::size_t, std::string>> placed = {
      {2, "a.png"}, {2, "b.png"}, {3, "c.png"}, {3, "d.png"}, {3, "data:;base64,UklGRg=="}};
  for (std::size_t i = 0; i < placed.size(); ++i) {
    CHECK(message.media[i].offset == placed[i].first);
    CHECK(message.media[i].source == placed[i].second);
  }
  for (const auto& [part, reason] : std::vector<std::pair<std::string, std::string>>{
           {R"({"type": "video", "path": "a"})", "a part of type \"video\""},
           {R"({"type": "image"})", "has no \"path\""},
           {R"({"type": "image_url", "image_url": 3})", "image_url"}}) {
    const std::string line = R"({"prompt": [{"role": "user", "content": [)" + part + R"(]}], "response": "x"})";
    try {
      parse_request(line, 1, "\n\n", unknown);
      FAIL("nothing was thrown");
    } catch (const InvalidInput& error) {
      CHECK(std::string(error.what()).find(reason) != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace endorm
