#include "tests/engine/turn_table.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <doctest/doctest.h>

#include "tests/paths.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

const std::string kPage = source_path("docs/turns.md");
constexpr const char* kHead = "| template | generation prompt | opens | end | answer alone | tool calls |\n";

// How a cell of a table shows the character at `at`, and how many bytes that has: white space is spelled, bars are
// escaped, and all is ASCII.
std::pair<std::string, std::size_t> shown(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(text[i])); };
  if (text[at] == '\n' || text[at] == '|') {
    return {text[at] == '\n' ? "\\n" : "\\|", 1};
  }
  if (byte(at) >= 0xE0 && byte(at) < 0xF0 && at + 2 < text.size()) {
    char spelled[16];
    std::snprintf(spelled, sizeof spelled, "\\u%04x",
                  (byte(at) & 15U) << 12U | (byte(at + 1) & 63U) << 6U | (byte(at + 2) & 63U));
    return {spelled, 3};
  }
  return {std::string(1, text[at]), 1};
}

// One cell of a table: the end of a text, no longer than can be read.
std::string code(const std::string& text) {
  constexpr std::size_t kLongest = 80;
  std::vector<std::string> characters;
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto [character, bytes] = shown(text, at);
    characters.push_back(character);
    size += character.size();
    at += bytes;
  }
  std::string cell = size > kLongest ? "..." : "";
  for (const std::string& character : characters) {
    cell += size > kLongest ? "" : character;
    size -= size > kLongest ? character.size() : 0;
  }
  return text.empty() ? "" : "`` " + cell + " ``";
}

std::string why_refused(const std::string& message) {
  for (const std::string reason : {"leaves out the tool calls", "as more than one turn"}) {
    if (message.find(reason) != std::string::npos) {
      return reason.starts_with("as") ? "refused: the template writes it " + reason : "refused: the template " + reason;
    }
  }
  return "refused: " + message;
}

std::string line_of(const TurnRow& row) {
  std::string line = "| " + row.name;
  if (!row.arguments.empty()) {
    line += row.arguments.find("true") != std::string::npos ? ", thinking" : ", no thinking";
  }
  line += " | " + code(row.prompt) + " | ";
  line += row.block.empty() ? "" : "reasoning, up to " + code(row.block);
  line += std::string(!row.block.empty() && !row.header.empty() ? ", then " : "");
  line += row.header.empty() ? "" : code(row.header);
  line += " | " + (row.end.empty() ? std::string("none written") : code(row.end));
  line += " | " + (row.answer.empty() ? std::string("as drawn") : code(row.answer));
  return line + " | " + (row.tool_call == "yes" ? row.tool_call : why_refused(row.tool_call)) + " |\n";
}

}  // namespace

void check_turn_table(const std::vector<TurnRow>& rows) {
  std::string table = std::string(kHead) + "|---|---|---|---|---|---|\n";
  for (const TurnRow& row : rows) {
    table += line_of(row);
  }
  std::string page = read_file(kPage);
  const std::size_t begin = page.find(kHead);
  REQUIRE_MESSAGE(begin != std::string::npos, "docs/turns.md has no table of templates");
  const std::size_t last = page.find("\n\n", begin);
  const std::size_t end = last == std::string::npos ? page.size() : last + 1;
  if (std::getenv("ENDORM_WRITE_TURN_TABLE") != nullptr) {
    write_file(kPage, page.replace(begin, end - begin, table));
    return;
  }
  CHECK_MESSAGE(page.substr(begin, end - begin) == table,
                "docs/turns.md is not what the templates do. Its command writes it anew.");
}

}  // namespace endorm
