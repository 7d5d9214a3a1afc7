#include "app/server/http_error.h"

#include <new>

#include <nlohmann/json.hpp>

#include "app/server/client_words.h"
#include "app/server/queued_request.h"
#include "app/server/reward_queue.h"
#include "core/errors.h"
#include "core/utf8.h"

namespace endorm {

HttpError http_error(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const InvalidInput& error) {
    return {400, "invalid_request_error", client_words(error.what())};
  } catch (const QueueFull& error) {
    return {429, "overloaded", client_words(error.what())};
  } catch (const DeadlinePassed& error) {
    return {504, "timeout", error.what()};
  } catch (const EngineError& error) {
    return {503, "engine_error", client_words(error.what())};
  } catch (const std::bad_alloc&) {
    return {503, "engine_error", "out of memory"};
  } catch (const std::exception& error) {
    return {500, "defect", std::string("this is a defect of EndoRM, please report it: ") + error.what()};
  }
}

std::string error_body(const HttpError& error) {
  const nlohmann::ordered_json body = {
      {"error", {{"message", valid_utf8(error.message)}, {"type", error.type}, {"code", error.status}}}};
  return body.dump();
}

bool same_secret(const std::string& left, const std::string& right) {
  unsigned difference = left.size() == right.size() ? 0U : 1U;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const unsigned char other = right.empty() ? 0U : static_cast<unsigned char>(right[i % right.size()]);
    difference |= static_cast<unsigned>(static_cast<unsigned char>(left[i]) ^ other);
  }
  return difference == 0;
}

}  // namespace endorm
