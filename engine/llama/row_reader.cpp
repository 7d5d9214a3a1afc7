#include "engine/llama/row_reader.h"

#include <exception>
#include <optional>
#include <utility>

#include <llama.h>

#include "core/top_logits.h"

namespace endorm {
namespace {

class HostReader final : public RowReader {
 public:
  explicit HostReader(std::size_t columns) : columns_(columns) {}

  void ask(const HeadRequest& request) override { request_ = request; }

  HeadResult take(llama_context* context, std::span<const std::int32_t> batch_places) override {
    const auto count = static_cast<std::ptrdiff_t>(batch_places.size());
    std::vector<const float*> rows;
    rows.reserve(batch_places.size());
    for (const std::int32_t place : batch_places) {
      rows.push_back(llama_get_logits_ith(context, place));
    }
    HeadResult result;
    result.rows.resize(rows.size());
    result.logits.resize(rows.size());
    result.likeliest.resize(rows.size());
    std::exception_ptr failure;
#pragma omp parallel for schedule(static) num_threads(llama_n_threads_batch(context))
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      try {
        const auto row = static_cast<std::size_t>(i);
        const std::span<const float> logits(rows[row], columns_);
        for (const double alpha : request_.alphas) {
          result.rows[row].push_back(row_statistics(logits.first(request_.vocabulary), alpha));
        }
        TopLogits largest(request_.likeliest);
        largest.add(logits.first(request_.vocabulary));
        result.likeliest[row] = largest.sorted();
        for (const std::int32_t target : request_.targets[row]) {
          result.logits[row].push_back(logits[static_cast<std::size_t>(target)]);
        }
      } catch (...) {
#pragma omp critical
        failure = std::current_exception();
      }
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
    return result;
  }

 private:
  std::size_t columns_;
  HeadRequest request_;
};

class AcceleratorReader final : public RowReader {
 public:
  AcceleratorReader(Accelerator& accelerator, std::size_t columns) : accelerator_(accelerator), host_(columns) {}

  void ask(const HeadRequest& request) override {
    host_.ask(request);
    accelerator_.result.reset();
    accelerator_.request.reset();
    if (!request.targets.empty()) {
      accelerator_.request = request;
    }
  }

  HeadResult take(llama_context* context, std::span<const std::int32_t> batch_places) override {
    if (accelerator_.result) {
      return *std::exchange(accelerator_.result, std::nullopt);
    }
    return host_.take(context, batch_places);
  }

 private:
  Accelerator& accelerator_;
  HostReader host_;
};

}  // namespace

std::unique_ptr<RowReader> make_host_reader(std::size_t columns) { return std::make_unique<HostReader>(columns); }

std::unique_ptr<RowReader> make_accelerator_reader(Accelerator& accelerator, std::size_t columns) {
  return std::make_unique<AcceleratorReader>(accelerator, columns);
}

}  // namespace endorm
