#include "tests/train/far_device.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/Allocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <sys/mman.h>
#include <torch/library.h>
#include <unistd.h>

namespace endorm {
namespace {

constexpr auto kFar = c10::DeviceType::PrivateUse1;

// Memory that is there twice: at the address that tensors have, which nobody may touch, and where copies find it.
class FarMemory : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes == 0) {
      return {nullptr, nullptr, nullptr, c10::Device(kFar, 0)};
    }
    const int file = memfd_create("far", 0);
    TORCH_CHECK(file >= 0 && ftruncate(file, static_cast<off_t>(bytes)) == 0, "no memory");
    void* const far = mmap(nullptr, bytes, PROT_NONE, MAP_SHARED, file, 0);
    void* const near = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    TORCH_CHECK(far != MAP_FAILED && near != MAP_FAILED, "no memory");
    const std::lock_guard<std::mutex> lock(mutex_);
    places_[far] = {near, bytes};
    return {far, far, &release, c10::Device(kFar, 0)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(near(to), near(const_cast<void*>(from)), bytes);
  }

  void* near(void* far) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return far == nullptr ? nullptr : places_.at(far).near;
  }

 private:
  struct Place {
    void* near = nullptr;
    std::size_t bytes = 0;
  };

  static void release(void* far);

  mutable std::mutex mutex_;
  std::map<void*, Place> places_;
};

FarMemory far_memory;

void FarMemory::release(void* far) {
  if (far == nullptr) {
    return;
  }
  Place place;
  {
    const std::lock_guard<std::mutex> lock(far_memory.mutex_);
    place = far_memory.places_.at(far);
    far_memory.places_.erase(far);
  }
  munmap(far, place.bytes);
  munmap(place.near, place.bytes);
}

struct FarGuard final : c10::impl::NoOpDeviceGuardImpl<kFar> {
  c10::Device exchangeDevice(c10::Device /*device*/) const override { return {kFar, 0}; }
  c10::Device getDevice() const override { return {kFar, 0}; }
  c10::Stream getStream(c10::Device /*device*/) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, c10::Device(kFar, 0));
  }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override { return stream; }
};

struct FarHooks : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex /*device*/) const override { return true; }
};

// The same numbers as a tensor of the processor.
torch::Tensor near_view(const torch::Tensor& tensor) {
  if (tensor.is_cpu()) {
    return tensor;
  }
  if (tensor.numel() == 0) {
    return torch::empty(tensor.sizes(), tensor.options().device(torch::kCPU));
  }
  auto* base = static_cast<char*>(far_memory.near(tensor.storage().mutable_data()));
  return torch::from_blob(base + tensor.storage_offset() * tensor.element_size(), tensor.sizes(), tensor.strides(),
                          tensor.options().device(torch::kCPU));
}

using Kind = std::optional<c10::ScalarType>;

torch::Tensor empty(torch::IntArrayRef sizes, Kind type, std::optional<c10::Layout> /*layout*/,
                    std::optional<c10::Device> /*device*/, std::optional<bool> /*pinned*/,
                    std::optional<c10::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &far_memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   c10::dtype_or_default(type), format);
}

torch::Tensor empty_strided(torch::IntArrayRef sizes, torch::IntArrayRef strides, Kind type,
                            std::optional<c10::Layout> /*layout*/, std::optional<c10::Device> /*device*/,
                            std::optional<bool> /*pinned*/) {
  return at::detail::empty_strided_generic(
      sizes, strides, &far_memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), c10::dtype_or_default(type));
}

torch::Tensor copy_from(const torch::Tensor& from, const torch::Tensor& to, bool /*non_blocking*/) {
  torch::NoGradGuard no_gradients;
  near_view(to).copy_(near_view(from));
  return to;
}

// What was in it is lost where it grows: libtorch only asks for room here.
const torch::Tensor& resize(const torch::Tensor& tensor, torch::IntArrayRef sizes,
                            std::optional<c10::MemoryFormat> /*format*/) {
  tensor.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
  const std::size_t bytes = (tensor.numel() + tensor.storage_offset()) * tensor.element_size();
  c10::Storage storage = tensor.storage();
  if (storage.nbytes() < bytes) {
    storage.set_data_ptr_noswap(far_memory.allocate(bytes));
    storage.set_nbytes(bytes);
  }
  return tensor;
}

torch::Tensor copy_from_and_resize(const torch::Tensor& from, const torch::Tensor& to) {
  if (to.sizes() != from.sizes()) {
    to.resize_(from.sizes());
  }
  return copy_from(from, to, false);
}

c10::Scalar local_scalar(const torch::Tensor& tensor) { return near_view(tensor).item(); }

torch::Tensor& set_storage(torch::Tensor& tensor, c10::Storage storage, std::int64_t offset, torch::IntArrayRef sizes,
                           torch::IntArrayRef strides) {
  tensor.unsafeGetTensorImpl()->set_storage_keep_dtype(std::move(storage));
  tensor.unsafeGetTensorImpl()->set_storage_offset(offset);
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides);
  return tensor;
}

// Every other operation: on the processor, unless tensors of both are in it.
void elsewhere(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  bool far = false;
  bool near = false;
  const auto look = [&](const torch::Tensor& tensor) {
    if (tensor.defined() && tensor.dim() > 0) {
      (tensor.is_cpu() ? near : far) = true;
    }
  };
  for (const c10::IValue& value : torch::jit::last(*stack, operation.schema().arguments().size())) {
    if (value.isTensor()) {
      look(value.toTensor());
    } else if (value.isTensorList()) {
      for (const torch::Tensor& tensor : value.toTensorVector()) {
        look(tensor);
      }
    }
  }
  TORCH_CHECK(!(far && near), operation.schema().name(), ": tensors of the processor and of another device");
  at::native::cpu_fallback(operation, stack);
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("as_strided", &at::native::as_strided_tensorimpl);
  library.impl("view", &at::native::view);
  library.impl("_reshape_alias", &at::native::_reshape_alias);
  library.impl("resize_", &resize);
  library.impl("_copy_from", &copy_from);
  library.impl("_copy_from_and_resize", &copy_from_and_resize);
  library.impl("_local_scalar_dense", &local_scalar);
  library.impl("set_.source_Storage_storage_offset", &set_storage);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&elsewhere>());
}

}  // namespace

C10_REGISTER_GUARD_IMPL(PrivateUse1, FarGuard);

torch::Device far_device() {
  [[maybe_unused]] static const bool registered = [] {
    c10::register_privateuse1_backend("far");
    c10::SetAllocator(kFar, &far_memory);
    static FarHooks hooks;
    at::RegisterPrivateUse1HooksInterface(&hooks);
    return true;
  }();
  return {kFar, 0};
}

}  // namespace endorm
