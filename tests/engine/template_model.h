#pragma once

#include <memory>
#include <string>
#include <vector>

struct common_chat_template;

namespace endorm {

// How a vocabulary holds the markers of reasoning and of tool calls.
enum class MarkerKind {
  kUserDefined,  // as most real ones do: such a token is found in any text
  kControl,      // found only in what a template writes, and within a model's turn
};

// A chat template and the special tokens that its model has.
struct TemplateModel {
  std::string source;
  std::string end;                   // what ends a turn
  std::vector<std::string> control;  // end among them
  std::vector<std::string> markers;  // of reasoning and of tool calls
};

// The special tokens that a template needs: every string in it, or in `renderings` of it, that looks like one.
TemplateModel template_model(const std::string& source, const std::vector<std::string>& renderings);

// What ends a turn under a template, as the vocabularies of its models say.
std::string end_of(const std::string& source);

// A Llama of one layer with random weights and a vocabulary of bytes, a few words and the tokens of the template, as a
// GGUF file. Printable characters and tokens of a turn are likely, so that what is drawn from it can be read.
void write_template_model(const std::string& path, const TemplateModel& model, MarkerKind markers, bool adds_bos);

// A template in llama.cpp's interpreter, beside ours.
class TemplateRendering {
 public:
  TemplateRendering(const std::string& source, const std::string& eos);
  ~TemplateRendering();

  // What the template makes of messages (the text of a JSON list). Throws std::exception where it refuses them.
  std::string operator()(const std::string& messages, bool add_generation_prompt,
                         const std::string& arguments = {}) const;

 private:
  std::unique_ptr<common_chat_template> parsed_;
};

}  // namespace endorm
