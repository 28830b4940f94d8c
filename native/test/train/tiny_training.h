// What tests of training share: a tiny network, options that train it in a blink, and its state at the end.
#pragma once

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "fixtures.h"
#include "io/safetensors.h"
#include "train/trainer.h"

namespace selfgrad::test {

inline const ImageShape kShape{1, 8, 8};

inline NetworkOptions tiny_network() {
  return {.architecture = "preact-resnet",
          .shape = kShape,
          .classes = 4,
          .depths = {1, 1},
          .width = 4,
          .taps = {"input", "stage1"},
          .mean = {0.4},
          .std = {0.25},
          .seed = 1};
}

inline TrainOptions tiny_options(const std::string& strategy) {
  TrainOptions options;
  options.seed = 5;
  options.threat = {Norm::kLinf, 16.0 / 255.0};
  options.strategy.name = strategy;
  options.strategy.alpha = 8.0 / 255.0;
  options.strategy.steps = 2;
  options.epochs = 2;
  options.batch_size = 16;
  options.augment = {.crop = 1, .flip = false};
  return options;
}

/// Nothing learns and nothing is augmented: only what the strategy remembers changes.
inline TrainOptions frozen_options(const std::string& strategy) {
  TrainOptions options = tiny_options(strategy);
  options.augment = {.crop = 0, .flip = false};
  options.lr = 1e-12;
  options.weight_decay = 0;
  return options;
}

inline const std::vector<std::string> kStrategies{"standard",  "pgd",  "fgsm-rs", "n-fgsm", "free",
                                                  "gradalign", "atta", "trades",  "mart",   "self-gradient"};

struct Outcome {
  TrainResult result;
  NamedTensors state;
};

struct Circumstances {
  int64_t cancel_epoch = -1;  ///< stop when that many epochs are done
  const Dataset* data = nullptr;
  std::function<void(const TrainEvent&)> observer = [](const TrainEvent&) {};
};

/// Trains a fresh tiny network on 72 images of the pattern, or on other data, on the options' device.
inline Outcome train_tiny(TrainOptions options, const Circumstances& circumstances = {}) {
  static const Dataset pattern = pattern_dataset(72, kShape, 4);
  const auto network = make_network(tiny_network());
  network->move_to(options.device);
  std::atomic<bool> stop{false};
  Trainer trainer(*network, circumstances.data == nullptr ? pattern : *circumstances.data, nullptr,
                  std::move(options));
  const TrainResult result = trainer.run(stop, [&](const TrainEvent& event) {
    circumstances.observer(event);
    if (event.kind == TrainEvent::Kind::kEpoch && event.epoch + 1 == circumstances.cancel_epoch) stop = true;
  });
  NamedTensors state;
  for (const auto& [name, tensor] : network->state())
    state.emplace_back(name,
                       tensor.to(at::kCPU, tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true));
  return {result, state};
}

inline std::string temporary(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("selfgrad-train-test-" + name + ".safetensors");
}

/// The checkpoint of a run on 16 images of the pattern, which are one batch of these options.
inline TensorFile checkpoint_of_one_batch(TrainOptions options) {
  static const Dataset data = pattern_dataset(16, kShape, 4);
  options.checkpoint_path = temporary("one-batch");
  train_tiny(options, {.data = &data});
  TensorFile file = read_safetensors(options.checkpoint_path);
  std::filesystem::remove(options.checkpoint_path);
  return file;
}

inline void expect_same(const NamedTensors& a, const NamedTensors& b, const std::string& what = "") {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(at::equal(a[i].second, b[i].second)) << what << " " << a[i].first;
}

}  // namespace selfgrad::test
