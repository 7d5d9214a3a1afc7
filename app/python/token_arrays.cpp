#include "app/python/token_arrays.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

namespace endorm {
namespace {

// Tokens stand side by side: one quantity of them is an array whose step is a token.
constexpr std::int64_t kStep = sizeof(TokenReward) / sizeof(double);
static_assert(sizeof(TokenReward) % sizeof(double) == 0);

template <typename Shared>
nb::capsule keeper(const Shared& memory) {
  return nb::capsule(new Shared(memory), [](void* kept) noexcept { delete static_cast<Shared*>(kept); });
}

nb::object strided(const SharedTokens& tokens, const double* first) {
  const std::size_t shape[] = {tokens->size()};
  const std::int64_t strides[] = {kStep};
  return nb::cast(nb::ndarray<nb::numpy, const double, nb::ndim<1>>(first, 1, shape, keeper(tokens), strides));
}

}  // namespace

nb::object token_array(const SharedTokens& tokens, double TokenReward::*quantity) {
  return strided(tokens, tokens->empty() ? nullptr : &(tokens->front().*quantity));
}

nb::object token_array(const SharedTokens& tokens, std::optional<double> TokenReward::*quantity) {
  const bool all = std::all_of(tokens->begin(), tokens->end(),
                               [&](const TokenReward& token) { return (token.*quantity).has_value(); });
  if (!all) {
    return nb::none();
  }
  return strided(tokens, tokens->empty() ? nullptr : &*(tokens->front().*quantity));
}

nb::object id_array(const std::shared_ptr<const Tokens>& ids) {
  const std::size_t shape[] = {ids->size()};
  return nb::cast(nb::ndarray<nb::numpy, const Token, nb::ndim<1>>(ids->data(), 1, shape, keeper(ids)));
}

nb::object number_array(std::vector<double> numbers) {
  const auto kept = std::make_shared<std::vector<double>>(std::move(numbers));
  const std::size_t shape[] = {kept->size()};
  return nb::cast(nb::ndarray<nb::numpy, double, nb::ndim<1>>(kept->data(), 1, shape, keeper(kept)));
}

}  // namespace endorm
