#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/open_input.h"
#include "app/cli/option_flags.h"
#include "app/engine_settings.h"
#include "core/errors.h"
#include "engine/llama/llama_engine.h"
#include "score/field_map.h"
#include "score/request_tokens.h"
#include "score/scored_json.h"
#include "score/token_texts.h"

namespace endorm {
namespace {

struct InspectFlags {
  EngineSettings engine;
  std::string map;
  std::string input = "-";
  RewardOptions scoring;
  std::size_t records = 1;
};

// A text on one line, with what a terminal would swallow spelled out.
std::string visible(const std::string& text) {
  std::string shown;
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (byte == '\n') {
      shown += "\\n";
    } else if (code < 0x20 || code == 0x7F) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", code);
      shown += escaped;
    } else {
      shown += byte;
    }
  }
  return shown;
}

void print_local(const LlamaEngine& engine) {
  const LlamaModelInfo& info = engine.model_info();
  std::printf("           %s, %zu parameters, %zu MB\n", info.description.c_str(), info.parameters,
              info.weight_bytes / 1000000);
  std::printf("vocabulary %zu tokens%s\n", info.vocabulary,
              info.padding_columns > 0
                  ? (" (" + std::to_string(info.padding_columns) + " padding columns left out)").c_str()
                  : "");
  std::printf("context    %zu tokens\nBOS        %s\n", engine.capabilities().context,
              info.adds_bos ? "added once" : "none");
}

std::unique_ptr<Engine> shown_engine(const EngineSettings& settings) {
  std::unique_ptr<LlamaEngine> local = settings.remote_url.value_or("").empty() ? make_local_engine(settings) : nullptr;
  const LlamaEngine* here = local.get();
  std::unique_ptr<Engine> engine = local ? std::move(local) : make_engine(settings);
  const ModelInfo model = engine->model();
  std::printf("model      %s\n", model.name.c_str());
  if (here != nullptr) {
    print_local(*here);
  }
  std::printf("template   %s\n", model.template_fingerprint.c_str());
  return engine;
}

void print_tokens(const Engine& engine, const TokenizedResponse& tokenized) {
  Tokens all = tokenized.prompt;
  all.insert(all.end(), tokenized.response.begin(), tokenized.response.end());
  const std::vector<std::string> texts = token_texts(engine, all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == tokenized.prompt.size()) {
      std::printf("  -------- the response starts here%s\n",
                  tokenized.boundary_split ? " (tokenized alone: its text would merge with the prompt's)" : "");
    }
    std::printf("%6zu %8d  %s\n", i, all[i], visible(texts[i]).c_str());
  }
  std::printf("prompt %zu tokens, response %zu tokens, finish %s, context %s\n", tokenized.prompt.size(),
              tokenized.response.size(), tokenized.finish == Finish::kEndOfTurn ? "end_of_turn" : "truncated",
              std::string(context_name(tokenized.context)).c_str());
}

void run_inspect(const InspectFlags& flags) {
  const std::unique_ptr<Engine> engine = shown_engine(flags.engine);
  const std::unique_ptr<RecordInput> input = mapped_records(open_input(flags.input), FieldMap::parse(flags.map));
  const ScoreOptions options = score_options(flags.scoring);
  std::vector<std::string> unknown_fields;
  for (std::size_t record = 0; record < flags.records; ++record) {
    const std::optional<InputLine> line = input->next();
    if (!line) {
      break;
    }
    if (line->error) {
      throw InvalidInput(*line->error);
    }
    const Request request = parse_request(line->text, line->number, options.step_separator, unknown_fields);
    std::vector<ScoredOutcome> outcomes(request.responses.size());
    const PreparedRequest prepared =
        prepare_request(*engine, request, options.text, options.overflow, options.turns, outcomes);
    for (const PreparedResponse& response : prepared.responses) {
      for (const TokenizedResponse& turn : response.turns) {
        std::printf("\nrecord %s, response %zu\n", request.id.c_str(), response.response);
        print_tokens(*engine, turn);
      }
    }
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (!outcomes[i].error.empty()) {
        std::printf("\nrecord %s, response %zu: %s\n", request.id.c_str(), i, outcomes[i].error.c_str());
      }
    }
  }
}

}  // namespace

void add_inspect_command(CLI::App& app) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command =
      app.add_subcommand("inspect", "Show what the model reads: template, BOS, tokens, where the response starts");
  command->add_option("input", flags->input, kInputHelp);
  command->add_option("--map", flags->map, kMapHelp)->default_str("");
  command->add_option("-n,--records", flags->records, "records to show")->check(CLI::PositiveNumber);
  add_text_flags(*command, flags->scoring);
  add_option_flags(*command, engine_options(), flags->engine);
  command->footer("Example:\n  endorm inspect records.jsonl");
  command->callback([flags] { run_inspect(*flags); });
}

}  // namespace endorm
