#include "train/new_model_file.h"

#include <array>
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/weights/weight_writer.h"
#include "score/config_table.h"
#include "train/decoder_weights.h"
#include "train/training_options.h"

namespace endorm {
namespace {

constexpr double kMostWeights = 1e10;  // with gradient and moments 160 gigabytes

DecoderShape shape_of(const NewModel& model) {
  DecoderShape shape;
  shape.family = decoder_family(model.architecture);
  shape.layers = model.layers;
  shape.width = model.width;
  shape.feed_forward = model.feed_forward;
  shape.heads = model.heads;
  shape.key_heads = model.kv_heads;
  shape.head_width = model.width / model.heads;
  shape.rotated = shape.head_width;
  shape.vocabulary = kNewModelVocabulary;
  shape.context = model.context;
  shape.norm_epsilon = model.norm_epsilon;
  shape.rope_base = model.rope_base;
  return shape;
}

double weights_in(const NewModel& model) {
  double count = static_cast<double>(kNewModelVocabulary) * static_cast<double>(model.width);
  NewModel one_layer = model;
  one_layer.layers = 1;
  for (const auto& [name, sizes] : weight_shapes(shape_of(one_layer))) {
    double values = static_cast<double>(model.layers);  // that of the last norm as well: an estimate
    for (const std::int64_t size : sizes) {
      values *= static_cast<double>(size);
    }
    count += values;
  }
  return count;
}

std::vector<Option<NewModelFile>> new_model_table() {
  static const std::array<std::pair<std::string_view, std::string>, 3> architectures{
      {{"llama", "llama"}, {"qwen2", "qwen2"}, {"qwen3", "qwen3"}}};
  const auto of = [](auto member) { return at(&NewModelFile::model, member); };
  const OptionRows<NewModelFile> row;
  return {row(of(&NewModel::architecture), architectures, "architecture", "how its layers are made"),
          row(of(&NewModel::layers), "layers", "of attention and feed-forward"),
          row(of(&NewModel::width), "width", "of the hidden state"),
          row(of(&NewModel::heads), "heads", "of queries; each is width / heads wide"),
          row(of(&NewModel::kv_heads), "kv_heads", "of keys and values; divides heads"),
          row(of(&NewModel::feed_forward), "feed_forward", "width between the two layers of the feed-forward network"),
          row(of(&NewModel::context), "context", "longest sequence in tokens"),
          row(of(&NewModel::rope_base), "rope_base", "the slowest turn of positions, about this many times the fastest",
              {.range = {.least = 1.0, .open = true}}),
          row(of(&NewModel::norm_epsilon), "norm_epsilon", "added to the mean square in a norm", {.range = kAboveZero}),
          row(&NewModelFile::seed, "seed", "of the random weights")};
}

}  // namespace

std::span<const Option<NewModelFile>> new_model_options() {
  static const std::vector<Option<NewModelFile>> table = new_model_table();
  return table;
}

NewModelFile read_new_model_file(const std::string& path) {
  ConfigTable table(path);
  NewModelFile read;
  for (const Option<NewModelFile>& option : new_model_options()) {
    table.read(option, read);
  }
  table.refuse_others();  // before what is missing: it may be there under a name that is a slip
  for (const Option<NewModelFile>& option : new_model_options()) {
    if (option.kind == OptionKind::kWhole && option.name != "seed" && option.get(read) == 0) {
      table.refuse(std::string(option.name), "must be given, as a whole number from 1 on");
    }
  }
  try {
    check_new_model(read.model);
  } catch (const InvalidInput& error) {
    throw InvalidInput("[--new-model] " + path + ": " + error.what());
  }
  if (!(weights_in(read.model) <= kMostWeights)) {
    throw InvalidInput("[--new-model] " + path + ": this model would have more than 10 thousand million weights");
  }
  return read;
}

std::string write_start_model(const NewModelFile& description, const std::string& directory) {
  make_run_directory(directory);
  const std::filesystem::path folder(directory);
  std::string path = (folder / "start.gguf").string();
  if (!std::filesystem::exists(folder / "checkpoint") || !std::filesystem::exists(path)) {
    const NamedTensors weights = random_weights(shape_of(description.model), description.seed);
    write_new_model(path, description.model, views_of(weights), TensorType::kF32);
  }
  return path;
}

}  // namespace endorm
