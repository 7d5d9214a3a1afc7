#include "train/kl.h"

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

}  // namespace endorm
