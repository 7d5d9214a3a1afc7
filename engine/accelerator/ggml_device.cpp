#include <cstring>
#include <mutex>

#include <ggml-backend-impl.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>

#include "engine/accelerator/accelerator.h"
#include "engine/accelerator/graph_runner.h"

namespace endorm {
namespace {

constexpr const char* kName = "EndoRM";

GraphRunner& runner(ggml_backend_t backend) { return *static_cast<GraphRunner*>(backend->context); }

// --- a backend: one a context ---

void backend_free(ggml_backend_t backend) {
  delete &runner(backend);
  delete backend;
}

// Logits that a pass did not write, because statistics were asked for instead, are not read either.
void backend_get_tensor(ggml_backend_t backend, const ggml_tensor* tensor, void* data, std::size_t offset,
                        std::size_t size) {
  if (tensor != runner(backend).unwritten_logits()) {
    std::memcpy(data, static_cast<const std::byte*>(tensor->data) + offset, size);
  }
}

void backend_set_tensor(ggml_backend_t, ggml_tensor* tensor, const void* data, std::size_t offset, std::size_t size) {
  std::memcpy(static_cast<std::byte*>(tensor->data) + offset, data, size);
}

void backend_synchronize(ggml_backend_t) {}  // nothing is left running

ggml_status backend_compute(ggml_backend_t backend, ggml_cgraph* graph) {
  if (const Accelerator* accelerator = Accelerator::in_use(); accelerator && accelerator->reserving) {
    return GGML_STATUS_ABORTED;
  }
  return runner(backend).compute(graph) ? GGML_STATUS_SUCCESS : GGML_STATUS_FAILED;
}

void backend_set_threads(ggml_backend_t backend, int threads) { runner(backend).set_threads(threads); }

ggml_guid_t backend_guid() {
  static ggml_guid guid = {0x65, 0x6e, 0x64, 0x6f, 0x72, 0x6d, 0x2d, 0x61,
                           0x63, 0x63, 0x65, 0x6c, 0x2d, 0x30, 0x30, 0x31};
  return &guid;
}

// --- the device ---

const char* device_name(ggml_backend_dev_t) { return kName; }
const char* device_description(ggml_backend_dev_t) { return "EndoRM's kernels on the processor"; }
void device_memory(ggml_backend_dev_t, std::size_t* free, std::size_t* total) { *free = *total = 0; }
enum ggml_backend_dev_type device_type(ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_ACCEL; }

void device_properties(ggml_backend_dev_t device, ggml_backend_dev_props* properties) {
  *properties = {};
  properties->name = device_name(device);
  properties->description = device_description(device);
  properties->type = device_type(device);
  properties->caps.buffer_from_host_ptr = true;
  properties->caps.mmap_support = true;
}

ggml_backend_t device_init_backend(ggml_backend_dev_t device, const char*) {
  static constexpr const char* (*name)(ggml_backend_t) = [](ggml_backend_t) { return kName; };
  ggml_backend_i functions{};
  functions.get_name = name;
  functions.free = backend_free;
  functions.set_tensor_async = backend_set_tensor;
  functions.get_tensor_async = backend_get_tensor;
  functions.synchronize = backend_synchronize;
  functions.graph_compute = backend_compute;
  return new ggml_backend{backend_guid(), functions, device, new GraphRunner(Accelerator::in_use())};
}

ggml_backend_buffer_type_t device_buffer_type(ggml_backend_dev_t) { return ggml_backend_cpu_buffer_type(); }

ggml_backend_buffer_t device_buffer_from(ggml_backend_dev_t, void* data, std::size_t size, std::size_t) {
  return ggml_backend_cpu_buffer_from_ptr(data, size);
}

// Whatever ggml's own processor backend can do: what we have no kernel for, it does for us.
bool device_supports(ggml_backend_dev_t, const ggml_tensor* node) {
  static const ggml_backend_dev_t processor = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  return Accelerator::in_use() != nullptr && ggml_backend_dev_supports_op(processor, node);
}

bool device_supports_buffer(ggml_backend_dev_t, ggml_backend_buffer_type_t type) {
  return type == ggml_backend_cpu_buffer_type() || ggml_backend_buft_is_host(type);
}

const char* registry_name(ggml_backend_reg_t) { return kName; }
std::size_t registry_count(ggml_backend_reg_t) { return 1; }

ggml_backend_dev_t registry_device(ggml_backend_reg_t registry, std::size_t) {
  static ggml_backend_device device{.iface = {.get_name = device_name,
                                              .get_description = device_description,
                                              .get_memory = device_memory,
                                              .get_type = device_type,
                                              .get_props = device_properties,
                                              .init_backend = device_init_backend,
                                              .get_buffer_type = device_buffer_type,
                                              .get_host_buffer_type = nullptr,
                                              .buffer_from_host_ptr = device_buffer_from,
                                              .supports_op = device_supports,
                                              .supports_buft = device_supports_buffer,
                                              .offload_op = nullptr,
                                              .event_new = nullptr,
                                              .event_free = nullptr,
                                              .event_synchronize = nullptr},
                                    .reg = registry,
                                    .context = nullptr};
  return &device;
}

void* registry_address(ggml_backend_reg_t, const char* name) {
  return std::strcmp(name, "ggml_backend_set_n_threads") == 0 ? reinterpret_cast<void*>(backend_set_threads) : nullptr;
}

}  // namespace

void register_accelerator_device() {
  static std::once_flag once;
  std::call_once(once, [] {
    static ggml_backend_reg registry{.api_version = GGML_BACKEND_API_VERSION,
                                     .iface = {.get_name = registry_name,
                                               .get_device_count = registry_count,
                                               .get_device = registry_device,
                                               .get_proc_address = registry_address},
                                     .context = nullptr};
    ggml_backend_register(&registry);
  });
}

}  // namespace endorm
