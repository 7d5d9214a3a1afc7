// parse_request on arbitrary bytes: a Request that keeps its promises, or InvalidInput with a message in valid UTF-8.
//
// clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I. -I<llama.cpp>/vendor
//   tests/fuzz/parse_request_fuzz.cpp score/record.cpp score/message_reader.cpp score/token_reader.cpp
//   score/json_check.cpp engine/content_hash.cpp -lcrypto

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/record.h"
#include "tests/fuzz/promises.h"

namespace {

void check(const endorm::Request& request) {
  require((!request.messages.empty() || request.prompt_ids) && !request.responses.empty() && request.key.size() == 16 &&
          valid_utf8(request.id));
  require(!request.chosen_first || request.responses.size() == 2);
  for (const endorm::Message& message : request.messages) {
    require(valid_utf8(message.role) && valid_utf8(message.content) && valid_utf8(message.fields));
  }
  for (const std::string& alternative : request.alternatives) {
    require(valid_utf8(alternative));
  }
  for (const endorm::RequestResponse& response : request.responses) {
    require(valid_utf8(response.text.text) && valid_utf8(response.text.fields) && valid_utf8(response.refused));
    require(response.mask.empty() || (response.ids && response.mask.size() == response.ids->size()));
    require(response.step_begins.empty() || response.step_begins.front() == 0);
    for (std::size_t i = 1; i < response.step_begins.size(); ++i) {
      require(response.step_begins[i - 1] < response.step_begins[i]);
    }
    require(response.step_begins.empty() || response.step_begins.back() < response.text.text.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> unknown;
  try {
    check(endorm::parse_request(line, 1, "\n\n", unknown));
  } catch (const endorm::InvalidInput& error) {
    require(valid_utf8(error.what()));
  }
  require(unknown.size() <= 64);
  endorm::record_id(line);
  return 0;
}
