#include "train/kl.h"

#include <string>

#include "core/errors.h"

namespace endorm {

std::string_view kl_estimator_name(KlEstimator estimator) {
  switch (estimator) {
    case KlEstimator::kK1:
      return "k1";
    case KlEstimator::kK2:
      return "k2";
    case KlEstimator::kK3:
      break;
  }
  return "k3";
}

KlEstimator kl_estimator_from_name(std::string_view name) {
  for (const KlEstimator estimator : {KlEstimator::kK1, KlEstimator::kK2, KlEstimator::kK3}) {
    if (kl_estimator_name(estimator) == name) {
      return estimator;
    }
  }
  throw InvalidInput("kl_estimator_from_name: no estimator is called \"" + std::string(name) +
                     "\"; there are k1, k2 and k3");
}

}  // namespace endorm
