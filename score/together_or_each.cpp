#include "score/together_or_each.h"

#include "core/errors.h"

namespace endorm {

void together_or_each(std::size_t count, const SomeWork& work, const WorkFailed& failed) {
  if (count == 0) {
    return;
  }
  try {
    work(0, count);
    return;
  } catch (const InternalError&) {
    throw;
  } catch (const Error&) {  // told below, item by item
  }
  bool answered = false;  // a refusal is an answer: the engine lives
  std::string first_reason;
  for (std::size_t item = 0; item < count; ++item) {
    try {
      work(item, 1);
      answered = true;
    } catch (const InvalidInput& error) {
      failed(item, error.what());
      answered = true;
    } catch (const EngineError& error) {
      failed(item, error.what());
      first_reason = first_reason.empty() ? error.what() : first_reason;
    }
  }
  if (!answered) {
    throw EngineError(first_reason);
  }
}

}  // namespace endorm
