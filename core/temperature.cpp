#include "core/temperature.h"

#include <cmath>
#include <string>

#include "core/errors.h"

namespace endorm {

void require_temperature(double alpha, std::string_view function) {
  if (alpha > 0.0 && std::isfinite(alpha) && std::isfinite(1.0 / alpha)) {
    return;
  }
  throw InvalidInput("[" + std::string(function) + "] alpha is " + std::to_string(alpha) +
                     "; give a finite temperature above 0");
}

}  // namespace endorm
