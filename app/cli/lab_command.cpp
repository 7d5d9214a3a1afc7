#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/write_file.h"
#include "lab/claims.h"
#include "report/lab_page.h"

namespace endorm {
namespace {

struct LabFlags {
  std::string claim;
  std::uint64_t seed = 1;
  double effort = 1.0;
  std::string json;
  std::string html;
};

std::vector<std::string> claim_names() {
  std::vector<std::string> names;
  names.reserve(lab::claims().size() + 1);
  for (const lab::Claim& claim : lab::claims()) {
    names.emplace_back(claim.name);
  }
  names.emplace_back("all");
  return names;
}

const char* verdict(const lab::Finding& finding) {
  if (finding.limit) {
    return finding.holds() ? "holds here" : "limit";
  }
  return finding.holds() ? "holds" : "FAILS";
}

void print(const lab::Finding& finding, bool detail) {
  std::printf("  %-10s  %11.5g %s %-9.5g  %s\n", verdict(finding), finding.measured,
              finding.relation == lab::Relation::kAtMost ? "<=" : ">=", finding.bound, finding.statement.c_str());
  if (detail) {
    std::printf("  %-10s  %s\n", "", finding.detail.c_str());
  }
}

void run_lab(const LabFlags& flags) {
  std::vector<lab::Finding> findings;
  std::size_t held = 0;
  std::size_t limits = 0;
  for (const lab::Claim& claim : lab::claims()) {
    if (flags.claim != "all" && flags.claim != claim.name) {
      continue;
    }
    std::printf("%s%s\n", findings.empty() ? "" : "\n", std::string(claim.name).c_str());
    for (lab::Finding& finding : claim.measure({.seed = flags.seed, .effort = flags.effort})) {
      print(finding, flags.claim != "all");
      held += finding.holds() && !finding.limit ? 1 : 0;
      limits += finding.limit ? 1 : 0;
      findings.push_back(std::move(finding));
    }
    finish_standard_output("lab");
  }
  std::printf("\n%zu of %zu statements hold; %zu more show where a claim ends\n", held, findings.size() - limits,
              limits);
  finish_standard_output("lab");
  const std::string text = lab::findings_json(findings);
  if (!flags.json.empty()) {
    write_file("lab", text, flags.json);
  }
  if (!flags.html.empty()) {
    write_file("lab", render_lab_page(text, "EndoRM lab: " + flags.claim), flags.html);
  }
}

}  // namespace

void add_lab_command(CLI::App& app) {
  auto flags = std::make_shared<LabFlags>();
  CLI::App* command = app.add_subcommand("lab", "Measure the paper's theorems on problems small enough to be exact");
  command->add_option("claim", flags->claim, "what to measure; see docs/theory.md")
      ->required()
      ->check(CLI::IsMember(claim_names()));
  command->add_option("--seed", flags->seed, "of the random problems");
  command->add_option("--effort", flags->effort, "share of the random problems: 0.1 is a quick look")
      ->check(CLI::Range(0.001, 100.0));
  command->add_option("--json", flags->json,
                      "file for every statement, with the numbers of its plots; - is standard output");
  command->add_option("--html", flags->html, "file for a page with tables and plots that needs no network");
  command->footer("Example:\n  endorm lab theorem-1\n  endorm lab all --json lab.json --html lab.html");
  command->callback([flags] { run_lab(*flags); });
}

}  // namespace endorm
