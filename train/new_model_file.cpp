#include "train/new_model_file.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/weights/weight_writer.h"
#include "train/config_table.h"
#include "train/decoder_weights.h"
#include "train/run_directory.h"

namespace endorm {
namespace {

constexpr double kMostWeights = 1e10;  // with gradient and moments 160 gigabytes

const std::vector<std::string> kArchitectures = {"llama", "qwen2", "qwen3"};

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

struct Size {
  const char* key;
  std::size_t NewModel::*value;
  const char* help;
};
constexpr Size kSizes[] = {
    {"layers", &NewModel::layers, "of attention and feed-forward"},
    {"width", &NewModel::width, "of the hidden state"},
    {"heads", &NewModel::heads, "of queries; each is width / heads wide"},
    {"kv_heads", &NewModel::kv_heads, "of keys and values; divides heads"},
    {"feed_forward", &NewModel::feed_forward, "width between the two layers of the feed-forward network"},
    {"context", &NewModel::context, "longest sequence in tokens"},
};

}  // namespace

NewModelFile read_new_model_file(const std::string& path) {
  ConfigTable table(path);
  NewModelFile read;
  read.model.architecture = kArchitectures.front();
  table.read_choice("architecture", read.model.architecture, kArchitectures, std::identity{},
                    "how its layers are made");
  for (const Size& size : kSizes) {
    table.read(size.key, read.model.*size.value, size.help);
  }
  table.read("rope_base", read.model.rope_base, "the slowest turn of positions, about this many times the fastest",
             {.least = 1.0, .open = true});
  table.read("norm_epsilon", read.model.norm_epsilon, "added to the mean square in a norm", kAboveZero);
  table.read("seed", read.seed, "of the random weights");
  table.refuse_others();  // before what is missing: it may be there under a name that is a slip
  for (const Size& size : kSizes) {
    if (read.model.*size.value == 0) {
      table.refuse(size.key, "must be given, as a whole number from 1 on");
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
