#include "app/server/server_pages.h"

#include <array>

#include <openssl/evp.h>

#include "app/server/page_files.h"
#include "engine/content_hash.h"
#include "report/page_frame.h"
#include "report/page_parts.h"

namespace endorm {

std::string rewards_page() {
  const std::string licence = escaped_html(uplot_licence);
  return filled_page(rewards_html, {{"uplot_css", uplot_css},
                                    {"uplot_js", uplot_js},
                                    {"uplot_licence", licence},
                                    {"page_css", page_css},
                                    {"rewards_css", rewards_css},
                                    {"page_base_js", page_base_js},
                                    {"saving_js", saving_js},
                                    {"saved_plot_js", saved_plot_js},
                                    {"contributions_js", contributions_js},
                                    {"plot_base_js", plot_base_js},
                                    {"running_plot_js", running_plot_js},
                                    {"heatmap_js", heatmap_js},
                                    {"aggregations_js", aggregations_js},
                                    {"server_js", server_js},
                                    {"form_js", form_js},
                                    {"results_js", results_js},
                                    {"actions_js", actions_js}});
}

std::string docs_page() {
  return filled_page(
      docs_html,
      {{"page_css", page_css}, {"docs_css", docs_css}, {"page_base_js", page_base_js}, {"docs_js", docs_js}});
}

std::string page_policy(const std::string& page) {
  constexpr std::string_view kBegin = "<script>";
  std::string scripts;
  for (std::size_t at = page.find(kBegin); at != std::string::npos; at = page.find(kBegin, at)) {
    at += kBegin.size();
    const Digest digest = sha256(std::string_view(page).substr(at, page.find("</script>", at) - at));
    std::array<unsigned char, 4 * ((digest.size() + 2) / 3) + 1> base64{};
    const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
    scripts.append(" 'sha256-").append(base64.begin(), base64.begin() + length).append("'");
  }
  return "default-src 'none'; style-src 'unsafe-inline'; script-src" + scripts +
         "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

}  // namespace endorm
