#include "train/checkpoint.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <charconv>
#include <filesystem>
#include <system_error>
#include <type_traits>

#include "error.h"
#include "nn/model_file.h"

namespace selfgrad {
namespace {

// The numbers of a position under their names: one list for both directions.
template <typename Position, typename Visit>
void for_each_number(Position& position, const Visit& visit) {
  visit("train.step", position.step);
  visit("train.forward", position.passes.forward);
  visit("train.backward", position.passes.backward);
  visit("train.weight_gradients", position.weight_gradients);
  visit("train.seconds", position.seconds);
  visit("train.epoch_loss", position.epoch_loss);
  visit("train.epoch_correct", position.epoch_correct);
  visit("train.epoch_seen", position.epoch_seen);
}

Error of_another_run(const std::string& path, const std::string& key) {
  return {"ERR_CHECKPOINT",
          "Expected a checkpoint of the same run for " + path + " but its " + key +
              " differs. Resume with the configuration and data that it was made with, or start "
              "afresh in another directory."};
}

NamedTensors same_on_every_rank(const Network& network, const Sgd& optimizer, const Strategy& strategy,
                                const WeightAverage* average) {
  NamedTensors tensors = network.state();
  for (const NamedTensors& part :
       {optimizer.state(), strategy.state(), average == nullptr ? NamedTensors{} : average->state()})
    tensors.insert(tensors.end(), part.begin(), part.end());
  return tensors;
}

TrainPosition position_in(const TensorFile& file, const std::string& path, const TrainOptions& options) {
  for (const auto& [key, value] : options.metadata) {
    const auto entry = file.metadata.find(key);
    if (entry == file.metadata.end() || entry->second != value) throw of_another_run(path, key);
  }
  TrainPosition position;
  for_each_number(position, [&](const char* name, auto& value) {
    const auto entry = file.metadata.find(name);
    const std::string text = entry == file.metadata.end() ? "" : entry->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
      throw Error("ERR_CHECKPOINT", "Expected a number for " + std::string(name) + " in the metadata of " +
                                        path + " but found '" + text +
                                        "'. Only a checkpoint can be resumed.");
  });
  return position;
}

// `checkpoint.previous.safetensors` beside `checkpoint.safetensors`.
std::filesystem::path previous_of(const std::filesystem::path& path) {
  return path.parent_path() / (path.stem().string() + ".previous" + path.extension().string());
}

// Gives the file that is about to be replaced a second name. The older one goes before the new one is
// written, so that there are never more than two; where a file system has no links, none is kept.
void keep_as_previous(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove(previous_of(path), ignored);
  std::filesystem::create_hard_link(path, previous_of(path), ignored);
}

TensorFile read_checkpoint(const std::string& path) {
  try {
    return read_safetensors(path);
  } catch (const Error& error) {
    std::error_code ignored;
    const std::string previous = previous_of(path).string();
    if (!std::filesystem::exists(previous, ignored)) throw;
    throw Error(error.code(), std::string(error.what()) + " The checkpoint before it is " + previous +
                                  ": rename it to " + path + " and resume from there.");
  }
}

}  // namespace

void save_checkpoint(const std::string& path, const Network& network, const Sgd& optimizer,
                     const Strategy& strategy, const WeightAverage* average, const TrainPosition& position,
                     const TrainOptions& options, bool keep_previous) {
  NamedTensors tensors = same_on_every_rank(network, optimizer, strategy, average);
  for (const SharedRows& part : strategy.rows())
    for (const auto& [name, rows] : part.tensors)
      tensors.emplace_back(name, options.world->gather(rows, part.count));
  if (options.world->rank() > 0) return;
  Metadata metadata = describe(network.options());
  metadata.insert(options.metadata.begin(), options.metadata.end());
  for_each_number(position, [&](const char* name, auto value) {
    char buffer[64];
    metadata[name] = std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
  });
  keep_as_previous(path);
  write_safetensors(path, metadata, tensors);
  std::error_code ignored;
  if (!keep_previous) std::filesystem::remove(previous_of(path), ignored);
}

TrainPosition load_checkpoint(const std::string& path, Network& network, Sgd& optimizer, Strategy& strategy,
                              WeightAverage* average, const TrainOptions& options) {
  World& world = *options.world;
  const NamedTensors same = same_on_every_rank(network, optimizer, strategy, average);
  TrainPosition position;
  TensorFile file;
  if (world.rank() == 0) {
    file = read_checkpoint(path);
    position = position_in(file, path, options);
    load_tensors(file, same);
  }
  for (const auto& [name, tensor] : same)
    world.broadcast(tensor);
  for_each_number(position, [&](const char*, auto& value) {
    const at::Tensor number = at::tensor(value);
    world.broadcast(number);
    value = number.item<std::decay_t<decltype(value)>>();
  });
  for (const SharedRows& part : strategy.rows())
    for (const auto& [name, rows] : part.tensors) {
      at::Tensor all;
      if (world.rank() == 0) {
        std::vector<int64_t> shape = rows.sizes().vec();
        shape[0] = part.count;
        all = world.alone() ? rows : at::empty(shape, rows.options().device(at::kCPU));
        load_tensors(file, {{name, all}});
      }
      world.scatter(all, rows);
    }
  return position;
}

}  // namespace selfgrad
