#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/exit_status.h"
#include "app/cli/noted_signals.h"
#include "app/cli/user_words.h"
#include "app/cli/write_file.h"
#include "app/environment.h"
#include "app/version.h"
#include "core/errors.h"
#include "core/listed.h"
#include "core/nearest.h"
#include "report/terminal_text.h"

namespace {

// Makes threads that wait for one another spin only briefly before they sleep. By default GNU OpenMP spins for
// milliseconds, and on a machine that is busy with other work a run then takes up to ten times as long; with short
// spins nothing is lost on an idle one. The library reads its settings before main, so the program starts itself again,
// once, unless OMP_WAIT_POLICY or GOMP_SPINCOUNT say what the user wants.
void wait_briefly(char** arguments) {
  // Some tens of microseconds: as fast as the default on an idle machine, as fast as sleeping at once on a busy one.
  constexpr const char* kSpins = "20000";
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) {
    return;
  }
  std::error_code unknown;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
  if (unknown || setenv("GOMP_SPINCOUNT", kSpins, 1) != 0) {
    return;
  }
  execv(self.c_str(), arguments);  // returns only where it fails: then threads spin as they would have
}

// The names of the subcommands of a command, and of theirs.
std::vector<std::string> names_of_commands(CLI::App& command) {
  std::vector<std::string> names;
  for (CLI::App* inner : command.get_subcommands([](CLI::App*) { return true; })) {
    names.push_back(inner->get_name());
    const std::vector<std::string> others = names_of_commands(*inner);
    names.insert(names.end(), others.begin(), others.end());
  }
  return names;
}

// What a message quotes of a file steers no terminal.
int fail(CLI::App& app, int status, const char* message) {
  const std::string words = endorm::user_words(message, names_of_commands(app));
  std::fprintf(stderr, "endorm: %s\n", endorm::terminal_line(words).c_str());
  return status;
}

// Of words that no subcommand takes: the flag among them, if any, and the one that may be meant.
std::string unexpected_words(CLI::App& app) {
  CLI::App* command = &app;
  std::string help = "See endorm";
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    help += " " + command->get_name();
  }
  help += " --help.";
  const std::vector<std::string> words = app.remaining(true);
  const auto flag =
      std::find_if(words.begin(), words.end(), [](const std::string& word) { return word.starts_with('-'); });
  if (flag == words.end()) {
    return "\"" + endorm::listed(words) + "\" is more than the command takes. A name with blanks wants quotes. " + help;
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : command->get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  const std::string name = flag->substr(0, flag->find('='));
  const std::optional<std::string> meant = endorm::nearest(name, names);
  return "there is no option " + name + "." + (meant ? " Is " + *meant + " meant?" : "") + " " + help;
}

// Runs the subcommand that the arguments name; returns the exit status.
int run(CLI::App& app, int argc, char** argv) {
  using namespace endorm;
  try {
    app.parse(argc, argv);
    return kExitDone;
  } catch (const CLI::RequiredError& error) {
    const bool other_word = argc > 1 && app.get_subcommands().empty() && argv[1][0] != '-';
    if (other_word) {
      return fail(app, kExitInput,
                  (std::string("there is no subcommand \"") + argv[1] + "\": see endorm --help").c_str());
    }
    app.exit(error);
    return kExitInput;
  } catch (const CLI::ExtrasError& error) {
    return fail(app, kExitInput, unexpected_words(app).c_str());
  } catch (const CLI::ParseError& error) {
    const bool asked_for_help = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    app.exit(error);
    return asked_for_help ? kExitDone : kExitInput;
  } catch (const Interrupted& stopped) {
    fail(app, kExitWorld, stopped.what());
    std::signal(stopped.signal(), SIG_DFL);
    std::raise(stopped.signal());  // who called sees that it was stopped, e.g. a shell's loop
    return kExitWorld;
  } catch (const RowsFailed& failed) {
    return fail(app, kExitRowsFailed, failed.what());
  } catch (const InvalidInput& error) {
    return fail(app, kExitInput, error.what());
  } catch (const EngineError& error) {
    return fail(app, kExitWorld, error.what());
  } catch (const std::bad_alloc&) {
    return fail(app, kExitWorld, "out of memory: give a smaller --context, --batch-tokens or model");
  } catch (const std::exception& error) {
    return fail(app, kExitDefect,
                (std::string("this is a defect of EndoRM, please report it: ") + error.what()).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace endorm;
  wait_briefly(argv);
  find_certificates();
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of the write, with a message
  std::signal(SIGXFSZ, SIG_IGN);  // and so is a file that reaches the limit on its size
  CLI::App app{"EndoRM: any language model as a reward model, read from its logits", "endorm"};
  app.set_version_flag("--version", std::string("endorm ") + kVersion);
  app.option_defaults()->always_capture_default();
  app.require_subcommand(1);
  app.footer(
      "Every subcommand: endorm SUBCOMMAND --help\nExit status: 0 done; 1 the model, a file or a server failed; 2 bad "
      "arguments or input; 3 done, but some records could not be scored; 70 a defect of EndoRM");
  add_score_command(app);
  add_rank_command(app);
  add_filter_command(app);
  add_bench_command(app);
  add_report_command(app);
  add_serve_command(app);
  add_eval_command(app);
  add_grade_command(app);
  add_lab_command(app);
  add_sft_command(app);
  add_rl_command(app);
  add_inspect_command(app);
  add_models_command(app);
  add_doctor_command(app);
  const int status = run(app, argc, argv);
  try {
    finish_standard_output("endorm");
  } catch (const EngineError& error) {
    return status == kExitDone || status == kExitRowsFailed ? fail(app, kExitWorld, error.what()) : status;
  }
  return status;
}
