#include "app/python/token_arrays.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "core/errors.h"

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

using List = nb::ndarray<nb::ro, nb::ndim<1>, nb::device::cpu>;

template <typename Integer>
GivenList list_of(const List& array) {
  GivenList list;
  list.values.reserve(array.shape(0));
  const auto* first = static_cast<const Integer*>(array.data());
  for (std::size_t i = 0; i < array.shape(0); ++i) {
    const Integer value = first[static_cast<std::int64_t>(i) * array.stride(0)];
    if (!std::in_range<Token>(value)) {
      return {{}, "has " + std::to_string(value) + " at " + std::to_string(i) + ", which is no token id."};
    }
    list.values.push_back(static_cast<Token>(value));
  }
  return list;
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

GivenList given_list(nb::handle array) {
  const List list = nb::cast<List>(array);
  const nb::dlpack::dtype type = list.dtype();
  const bool is_signed = type.code == static_cast<std::uint8_t>(nb::dlpack::dtype_code::Int);
  const bool is_bool = type.code == static_cast<std::uint8_t>(nb::dlpack::dtype_code::Bool);
  if (is_signed || is_bool || type.code == static_cast<std::uint8_t>(nb::dlpack::dtype_code::UInt)) {
    switch (type.bits) {
      case 8:
        return is_signed ? list_of<std::int8_t>(list) : list_of<std::uint8_t>(list);
      case 16:
        return is_signed ? list_of<std::int16_t>(list) : list_of<std::uint16_t>(list);
      case 32:
        return is_signed ? list_of<std::int32_t>(list) : list_of<std::uint32_t>(list);
      case 64:
        return is_signed ? list_of<std::int64_t>(list) : list_of<std::uint64_t>(list);
      default:
        break;
    }
  }
  throw InvalidInput("[given_list] the array does not hold integers of 8 to 64 bits");
}

nb::object number_array(std::vector<double> numbers) {
  const auto kept = std::make_shared<std::vector<double>>(std::move(numbers));
  const std::size_t shape[] = {kept->size()};
  return nb::cast(nb::ndarray<nb::numpy, double, nb::ndim<1>>(kept->data(), 1, shape, keeper(kept)));
}

}  // namespace endorm
