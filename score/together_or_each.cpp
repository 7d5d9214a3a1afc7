#include "score/together_or_each.h"

#include "core/errors.h"

namespace endorm {

void together_or_each(std::size_t count, const SomeWork& work, const WorkFailed& failed) {
  bool answered = count == 0;  // a refusal is an answer: the engine lives
  std::string first_reason;
  all_or_each(count, [&](std::size_t begin, std::size_t some) {
    std::string reason;
    try {
      work(begin, some);
      return answered = true;
    } catch (const InternalError&) {
      throw;
    } catch (const InvalidInput& error) {
      reason = error.what();
      answered = answered || some == 1;
    } catch (const Error& error) {
      reason = error.what();
    }
    if (some == 1) {
      first_reason = first_reason.empty() ? reason : first_reason;
      failed(begin, reason);
    }
    return false;
  });
  if (!answered) {
    throw EngineError(first_reason);
  }
}

}  // namespace endorm
