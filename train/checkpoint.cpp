#include "train/checkpoint.h"

#include <exception>

#include "core/errors.h"
#include "engine/atomic_file.h"

namespace endorm {
void save_checkpoint(const std::string& path, const std::string& fingerprint, std::size_t step,
                     const NamedTensors& learning, const Optimizer& optimizer) {
  torch::serialize::OutputArchive archive;
  archive.write("fingerprint", c10::IValue(fingerprint));
  archive.write("step", c10::IValue(static_cast<std::int64_t>(step)));
  for (const auto& [name, tensor] : learning) {
    archive.write("weight/" + name, tensor.detach());
  }
  torch::serialize::OutputArchive moments;
  optimizer.save(moments);
  archive.write("optimizer", moments);
  AtomicFile file(path);
  std::exception_ptr fault;  // the archive's writer ends the program where a write fails: it is told later
  archive.save_to([&file, &fault](const void* bytes, std::size_t size) {
    if (!fault) {
      try {
        file.write({static_cast<const char*>(bytes), size});
      } catch (...) {
        fault = std::current_exception();
      }
    }
    return size;
  });
  if (fault) {
    std::rethrow_exception(fault);
  }
  file.commit();
}

std::size_t load_checkpoint(const std::string& path, const std::string& fingerprint, const NamedTensors& learning,
                            Optimizer& optimizer) {
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(path, learning.begin()->second.device());  // moments too, wherever they were written
    c10::IValue value;
    archive.read("fingerprint", value);
    if (value.toStringRef() != fingerprint) {
      throw InvalidInput("[load_checkpoint] " + path +
                         " belongs to a run with other data, model or options: choose another directory, or delete it");
    }
    torch::NoGradGuard no_gradients;
    for (const auto& [name, tensor] : learning) {
      torch::Tensor kept;
      archive.read("weight/" + name, kept);
      torch::Tensor(tensor).copy_(kept);
    }
    torch::serialize::InputArchive moments;
    archive.read("optimizer", moments);
    optimizer.load(moments);
    archive.read("step", value);
    return static_cast<std::size_t>(value.toInt());
  } catch (const c10::Error& error) {
    throw InvalidInput("[load_checkpoint] " + path + " is damaged: " + error.what_without_backtrace());
  }
}

}  // namespace endorm
