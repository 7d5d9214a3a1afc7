#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace endorm {

// An OpenAI-compatible server that judges ask (judge/chat_server.h).
struct ChatServerOptions {
  std::string url;           // or several with commas between, whose replies are the same; a whole address that ends in
                             // /chat/completions is taken as it is, to any other /v1/chat/completions is added
  std::string model;         // in its words
  std::string api_key;       // sent as a bearer token; empty: none
  double temperature = 0.0;  // of replies; a judge that asks again where it got no verdict does so at 0.5 at least

  std::size_t requests = 8;                // at once
  double timeout_seconds = 600.0;          // for one whole reply
  std::size_t tries = 8;                   // of a question that the server is too busy for, or fails at
  std::chrono::milliseconds backoff{500};  // before the second; doubles each time
  std::optional<double> input_price;       // of a million tokens that the server reads
  std::optional<double> output_price;      // of a million that it writes
};

}  // namespace endorm
