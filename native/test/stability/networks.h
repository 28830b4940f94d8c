// Networks for the stability analysis: every architecture small, with random weights or trained for a moment.
#pragma once

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>

#include <memory>
#include <string>
#include <vector>

#include "attack/networks.h"
#include "fixtures.h"
#include "nn/network.h"
#include "stability/batch.h"
#include "stability/diagnostics.h"
#include "train/trainer.h"

namespace selfgrad::testing {

inline const ImageShape kTinyShape{1, 8, 8};
constexpr int64_t kTinyClasses = 4;

inline NetworkOptions tiny_options(const std::string& architecture, const std::string& activation,
                                   uint64_t seed = 1) {
  NetworkOptions options;
  options.architecture = architecture;
  options.shape = kTinyShape;
  options.classes = kTinyClasses;
  if (architecture.starts_with("preact-resnet")) options.depths = {1, 2};
  if (architecture == "wide-resnet") options.depths = {1, 1, 1};
  options.width = architecture == "wide-resnet" ? 1 : 4;
  // Every kind of layer: pools that overlap, with padding, before and behind activations.
  if (architecture == "layers")
    options.layers = parse_layers(
        "conv channels=4 kernel=3 stride=1 padding=1; max-pool kernel=3 stride=2 padding=1; tap place=stem; "
        "residual channels=5 blocks=1 stride=1; norm-activation; average-pool kernel=3 stride=2 padding=1; "
        "conv channels=6 kernel=2 stride=1 padding=1 bias=1; activation; max-pool kernel=2 stride=1; "
        "linear features=7; activation; linear");
  // Convolutions in groups and bottleneck blocks, with and without a projection.
  if (architecture == "grouped") {
    options.architecture = "layers";
    options.layers = parse_layers(
        "conv channels=4 kernel=3 stride=2 padding=1; norm-activation; conv channels=8 kernel=3 padding=1 "
        "groups=4 "
        "bias=1; bottleneck channels=8 blocks=2; activation; conv channels=8 kernel=3 stride=2 groups=8; "
        "bottleneck "
        "channels=12 stride=2; norm-activation; global-average-pool; linear");
  }
  options.activation = activation;
  options.mean = {0.4};
  options.std = {0.25};
  options.seed = seed;
  return options;
}

/// Random weights, and BatchNorm statistics that differ from channel to channel; in evaluation mode.
inline std::shared_ptr<Network> random_network(const NetworkOptions& options) {
  auto network = make_network(options);
  const at::NoGradGuard no_grad;
  uint64_t seed = 100 + options.seed;
  for (auto& [name, tensor] : network->state()) {
    const bool variance = name.ends_with("running_var");
    if (!variance && !name.ends_with("running_mean")) continue;
    tensor.copy_(random_tensor(++seed, tensor.sizes().vec(), variance ? 0.3 : -0.3, variance ? 2.0 : 0.3));
  }
  network->eval();
  return network;
}

inline const Dataset& tiny_data() {
  static const Dataset data = test::pattern_dataset(96, kTinyShape, kTinyClasses);
  return data;
}

/// Trained by PGD for a moment: it classifies most of `tiny_data`, and withstands a little.
inline std::shared_ptr<Network> trained_network(const NetworkOptions& options) {
  const at::AutoGradMode graph(true);  // the caller may have none
  auto network = make_network(options);
  TrainOptions training;
  training.seed = 3;
  training.threat = {Norm::kLinf, 0.03};
  training.strategy = {.name = "pgd", .alpha = 0.01, .steps = 3};
  training.epochs = 4;
  training.batch_size = 16;
  training.augment = {.crop = 0, .flip = false};
  const std::atomic<bool> stop{false};
  Trainer(*network, tiny_data(), nullptr, training).run(stop, [](const TrainEvent&) {});
  network->eval();
  return network;
}

/// A network, some images and what they are classified as.
struct Scene {
  std::string name;
  std::shared_ptr<Network> network;
  at::Tensor indices, images, labels;
};

/// Every architecture with either activation (layers: ReLU alone), random and trained; `count` images each.
inline const std::vector<Scene>& scenes() {
  static const std::vector<Scene> all = [] {
    std::vector<Scene> made;
    const int64_t count = 6;
    for (const std::string architecture :
         {"small-cnn", "preact-resnet", "wide-resnet", "layers", "grouped"}) {
      for (const std::string activation : {"relu", "silu"}) {
        // So narrow that ReLU leaves images without any gradient.
        if (architecture == "grouped" && activation == "relu") continue;
        // Its max-pools have kinks whatever the activation: it would be no smooth network.
        if (architecture == "layers" && activation == "silu") continue;
        for (const bool trained : {false, true}) {
          const NetworkOptions options = tiny_options(architecture, activation);
          Scene scene;
          scene.name = architecture + " " + activation + (trained ? " trained" : " random");
          scene.network = trained ? trained_network(options) : random_network(options);
          scene.indices = at::arange(count, at::kLong);
          scene.images = tiny_data().images(scene.indices);
          const at::NoGradGuard no_grad;
          scene.labels = scene.network->forward(scene.images).argmax(1);
          made.push_back(scene);
        }
      }
    }
    return made;
  }();
  return all;
}

/// A batch for the diagnostics, with its first gradient taken.
struct Analysed {
  Analysed(const Logits& logits, const at::Tensor& images, const at::Tensor& labels, const Threat& threat,
           uint64_t seed = 0)
      : target(logits, seed, stop),
        batch{target, threat, images, labels, at::arange(images.size(0), at::kLong), {}, {}, {}},
        norms(gradient_norms(batch)) {}
  Analysed(const Scene& scene, const Threat& threat)
      : Analysed([network = scene.network](const at::Tensor& x) { return network->forward(x); }, scene.images,
                 scene.labels, threat) {}

  std::atomic<bool> stop{false};
  Target target;
  StabilityBatch batch;
  Columns norms;
};

}  // namespace selfgrad::testing
