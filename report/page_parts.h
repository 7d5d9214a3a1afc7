#pragma once

#include <string_view>

namespace endorm {

// The files that make the pages, embedded at build.
extern const std::string_view page_frame_html;
extern const std::string_view page_html;
extern const std::string_view bench_page_html;
extern const std::string_view page_css;
extern const std::string_view tables_css;
extern const std::string_view bench_page_css;
extern const std::string_view page_base_js;
extern const std::string_view page_head_js;
extern const std::string_view tables_js;
extern const std::string_view page_js;
extern const std::string_view plot_base_js;
extern const std::string_view plots_js;
extern const std::string_view heatmap_js;
extern const std::string_view records_js;
extern const std::string_view cards_js;
extern const std::string_view bench_tables_js;
extern const std::string_view bench_plots_js;
extern const std::string_view bench_pairs_js;
extern const std::string_view lab_page_html;
extern const std::string_view lab_page_css;
extern const std::string_view lab_page_js;
extern const std::string_view math_page_html;
extern const std::string_view math_page_css;
extern const std::string_view math_tables_js;
extern const std::string_view math_plots_js;
extern const std::string_view math_samples_js;
extern const std::string_view run_page_html;
extern const std::string_view run_page_css;
extern const std::string_view run_page_js;
extern const std::string_view run_plots_js;
extern const std::string_view run_samples_js;
extern const std::string_view run_refresh_js;
extern const std::string_view uplot_js;
extern const std::string_view uplot_css;
extern const std::string_view uplot_licence;

}  // namespace endorm
