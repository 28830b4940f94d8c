#include "nn/network.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <utility>

#include "error.h"
#include "kernels/switches.h"
#include "nn/architectures.h"

namespace selfgrad {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words)
    text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "none" : text;
}

struct Architecture {
  const char* name;
  std::shared_ptr<Network> (*make)(const NetworkOptions&);
};
constexpr Architecture kArchitectures[] = {
    {"preact-resnet", make_preact_resnet}, {"preact-resnet-plain", make_preact_resnet_plain},
    {"wide-resnet", make_wide_resnet},     {"small-cnn", make_small_cnn},
    {"layers", make_custom_network},
};

void check_options(const NetworkOptions& options) {
  const auto channels = static_cast<size_t>(options.shape.channels);
  if (options.mean.size() != channels || options.std.size() != channels)
    throw Error("ERR_OPTION", "Expected " + std::to_string(channels) +
                                  " values, one a channel, for model.mean and model.std but received " +
                                  std::to_string(options.mean.size()) + " and " +
                                  std::to_string(options.std.size()) + ".");
  if (std::any_of(options.std.begin(), options.std.end(), [](double s) { return !(s > 0); }))
    throw Error("ERR_OPTION", "Expected positive numbers for model.std but received one that is not.");
  const bool listed = options.architecture == "layers";
  if (listed == options.layers.empty())
    throw Error("ERR_OPTION", std::string("Expected ") + (listed ? "a list" : "none") +
                                  " for model.layers of " + options.architecture + " but received " +
                                  (listed ? "none." : "a list."));
  if (options.classes < 2 || (options.width < 1 && !listed) ||
      std::any_of(options.depths.begin(), options.depths.end(), [](int64_t d) { return d < 1; }))
    throw Error("ERR_OPTION", "Expected at least two classes and positive depths and width for model.");
}

/// With memory for the weights but nothing in it.
std::shared_ptr<Network> build_network(const NetworkOptions& options) {
  check_options(options);
  for (const auto& architecture : kArchitectures)
    if (options.architecture == architecture.name) return architecture.make(options);
  throw Error("ERR_OPTION",
              "Expected preact-resnet, preact-resnet-plain, wide-resnet, small-cnn or layers for "
              "model.architecture but received " +
                  options.architecture + ".");
}

}  // namespace

std::vector<std::string> tap_places(const NetworkOptions& options) {
  if (!options.layers.empty()) {
    std::vector<std::string> listed = tap_places_of(options.layers);
    listed.insert(listed.begin(), "input");
    return listed;
  }
  std::vector<std::string> places{"input", "stem"};
  for (size_t stage = 1; stage <= options.depths.size(); ++stage)
    places.push_back("stage" + std::to_string(stage));
  return places;
}

Network::Network(NetworkOptions options)
    : options_(std::move(options)), activation_(activation_by_name(options_.activation)) {
  normalize_ = register_module("normalize", std::make_shared<Normalize>(options_.mean, options_.std));
  const auto places = tap_places(options_);
  for (const auto& place : options_.taps) {
    if (std::find(places.begin(), places.end(), place) == places.end())
      throw Error("ERR_OPTION",
                  "Expected one of " + joined(places) + " for model.taps but received " + place + ".");
    if (!taps_.contains(place))
      taps_[place] = register_module("tap_" + place, std::make_shared<SelfGradientTap>());
  }
}

at::Tensor Network::forward(const at::Tensor& images) {
  return body(normalize_->forward(tapped("input", images))).to(at::kFloat);
}

at::Tensor Network::logits(const at::Tensor& images, const std::atomic<bool>& /*stop*/) {
  const bool mixed = at::autocast::is_autocast_enabled(at::kCPU);
  const Precision precision = mixed ? Precision::kBfloat16 : Precision::kFloat32;
  const ImageShape& shape = options_.shape;
  const bool fits = !batch_norm_is_training() && images.device().is_cpu() &&
                    images.scalar_type() == at::kFloat && images.size(0) > 0 &&
                    FrozenNetwork::computes(precision) &&
                    images.sizes().slice(1) == at::IntArrayRef({shape.channels, shape.height, shape.width});
  const std::shared_ptr<const FrozenNetwork> network = fits ? frozen() : nullptr;
  return network ? network->logits(images, precision) : forward(images);
}

std::shared_ptr<const FrozenNetwork> Network::frozen() {
  static const bool enabled = kernels::enabled("frozen-network");
  const at::Tensor& mean = normalize_->mean();
  if (!enabled || !mean.device().is_cpu() || mean.scalar_type() != at::kFloat) return nullptr;
  const std::lock_guard lock(frozen_mutex_);
  std::vector<std::pair<const void*, uint32_t>> versions;
  for (const auto& tensors : {parameters(), buffers()})
    for (const at::Tensor& tensor : tensors)
      versions.emplace_back(tensor.const_data_ptr(), tensor._version());
  if (versions == frozen_versions_) return frozen_;
  frozen_ = FrozenNetwork::make(layer_graph(), options_.shape);
  frozen_versions_ = std::move(versions);
  return frozen_;
}

int64_t Network::parameter_count() const {
  int64_t count = 0;
  for (const auto& parameter : parameters())
    count += parameter.numel();
  return count;
}

int64_t Network::flops() const {
  int64_t multiply_adds = 0;
  for (const LayerCost& cost : costs())
    multiply_adds += cost.multiply_adds;
  return 2 * multiply_adds;
}

LayerGraph Network::layer_graph() const {
  LayerGraph graph;
  append_body(graph, graph.add(0, *normalize_));
  return graph;
}

std::unique_ptr<WindowForward> Network::window_forward() const {
  static const bool enabled = kernels::enabled("window-forward");
  const bool fits = normalize_->mean().device().is_cpu() && normalize_->mean().scalar_type() == at::kFloat;
  return enabled && fits ? std::make_unique<WindowForward>(layer_graph()) : nullptr;
}

at::Tensor Network::tapped(const std::string& place, const at::Tensor& x) {
  const auto tap = taps_.find(place);
  return tap == taps_.end() ? x : tap->second->forward(x);
}

SelfGradientTap& Network::tap(const std::string& place) {
  const auto tap = taps_.find(place);
  if (tap == taps_.end())
    throw Error("ERR_OPTION", "Expected a self-gradient tap at " + place + " but model.taps has " +
                                  joined(options_.taps) + ". Add " + place + " to model.taps.");
  return *tap->second;
}

void Network::set_batch_norm_training(bool training) {
  for (const auto& module : modules(/*include_self=*/false))
    if (auto* norm = module->as<BatchNorm2d>()) norm->train(training);
}

bool Network::batch_norm_is_training() const {
  const auto all = modules(/*include_self=*/false);
  return std::any_of(all.begin(), all.end(), [](const auto& module) {
    return module->is_training() && module->template as<BatchNorm2d>() != nullptr;
  });
}

void Network::synchronize_batch_norm(const WorldPtr& world) {
  for (const auto& module : modules(/*include_self=*/false))
    if (auto* norm = module->as<BatchNorm2d>()) norm->synchronize(world);
}

std::vector<std::pair<std::string, at::Tensor>> Network::state() const {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& item : named_parameters())
    tensors.emplace_back(item.key(), item.value());
  for (const auto& item : named_buffers())
    tensors.emplace_back(item.key(), item.value());
  return tensors;
}

std::shared_ptr<Network> make_network(const NetworkOptions& options) {
  auto network = build_network(options);
  initialize_parameters(*network, options.seed);
  const at::NoGradGuard no_grad;
  for (auto& parameter : network->parameters())
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  return network;
}

std::vector<LayerCost> network_costs(const NetworkOptions& options) {
  return build_network(options)->costs();
}

}  // namespace selfgrad
