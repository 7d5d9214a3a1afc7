#include "app/server/server_pages.h"

#include "app/server/page_files.h"
#include "report/page_frame.h"
#include "report/page_parts.h"

namespace endorm {

std::string rewards_page() {
  return filled_page(rewards_html, {{"page_css", page_css},
                                    {"rewards_css", rewards_css},
                                    {"page_base_js", page_base_js},
                                    {"heatmap_js", heatmap_js},
                                    {"aggregations_js", aggregations_js},
                                    {"server_js", server_js},
                                    {"form_js", form_js},
                                    {"results_js", results_js},
                                    {"actions_js", actions_js}});
}

std::string docs_page() { return filled_page(docs_html, {{"page_css", page_css}, {"page_base_js", page_base_js}}); }

}  // namespace endorm
