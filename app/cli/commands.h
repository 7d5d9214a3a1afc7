#pragma once

namespace CLI {
class App;
}

namespace endorm {

// Each adds one subcommand; it runs when the arguments name it, and throws Error where it fails.
void add_score_command(CLI::App& app);
void add_rank_command(CLI::App& app);
void add_filter_command(CLI::App& app);
void add_bench_command(CLI::App& app);
void add_report_command(CLI::App& app);
void add_eval_command(CLI::App& app);
void add_grade_command(CLI::App& app);
void add_lab_command(CLI::App& app);
void add_serve_command(CLI::App& app);
void add_sft_command(CLI::App& app);
void add_rl_command(CLI::App& app);
void add_inspect_command(CLI::App& app);
void add_models_command(CLI::App& app);
void add_doctor_command(CLI::App& app);

void add_convert_command(CLI::App& models);  // a subcommand of `endorm models`

}  // namespace endorm
