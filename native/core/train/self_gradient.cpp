// Self-gradient training: the input tap reads the gradient that every backward leaves at the image, and an
// example's perturbation is carried on by it. An example starts where the memory of its last visit says,
// takes `steps` steps along fresh gradients, and then stays in flight for `relay` training steps: each
// training backward is also the next step of its attack. Passes an example: steps + relay + refresh (relay -
// 1). The memory over epochs with its inverse augmentation follows ATTA (Zheng et al. 2020, arXiv
// 1912.11969), shared memories FGSM-UAP and FGSM-CUAP, feature perturbations SLAT (Park & Lee 2021, arXiv
// 2103.02695).
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "tensor/upload.h"
#include "train/feature_perturbation.h"
#include "train/gradient_memory.h"
#include "train/relay.h"
#include "train/sentinel.h"
#include "train/shared_memory.h"
#include "train/strategy.h"

namespace selfgrad {
namespace {

using Memory = StrategyOptions::Memory;

at::Tensor unit_l1(const at::Tensor& gradient) {
  return gradient / gradient.abs().sum({1, 2, 3}, /*keepdim=*/true).clamp_min(1e-20);
}

// (N): how much of the gradient's L1 norm lies along the sign of the direction.
at::Tensor agreement_of(const at::Tensor& gradient, const at::Tensor& direction) {
  return (gradient * direction.sign()).sum({1, 2, 3}) / gradient.abs().sum({1, 2, 3}).clamp_min(1e-20);
}

class SelfGradient : public Strategy {
 public:
  SelfGradient(const TrainOptions& options, int64_t count, const ImageShape& shape, int64_t classes)
      : options_(options.strategy),
        world_(options.world),
        relay_(options_.relay - 1, images_per_step(options.batch_size), shape, classes, options.device,
               world_) {
    if (options_.memory == Memory::kExample)
      example_.emplace(count, shape, options.threat.eps, memory_folder(options), options.device, world_);
    if (options_.memory == Memory::kClass)
      shared_.emplace(classes, shape, options.threat.eps, options.device, world_);
    if (options_.memory == Memory::kUniversal)
      shared_.emplace(1, shape, options.threat.eps, options.device, world_);
  }

  int64_t images_per_step(int64_t batch_size) const override {
    return std::max<int64_t>(1, batch_size / options_.relay);
  }

  void prepare(StepContext& context) override {
    flights_ = relay_.flights();
    if (options_.refresh > 0) refresh(context);
    fresh_ = attacked(context);
    const auto joined = [&](at::Tensor Flight::*field) {
      std::vector<at::Tensor> parts{fresh_.*field};
      for (const Flight& flight : flights_)
        parts.push_back(flight.*field);
      return parts.size() == 1 ? parts[0] : at::cat(parts);
    };
    images_ = joined(&Flight::images);
    labels_ = joined(&Flight::labels);
    x_ = joined(&Flight::x);
    direction_ = joined(&Flight::direction);
    before_ = joined(&Flight::logits);
  }

  StepOutput loss(StepContext& context) override {
    SelfGradientTap& tap = context.network.tap("input");
    tap.capture(reads_training_gradient());
    const at::Tensor logits = [&] {
      const FeaturePerturbation features(context.network, options_.features, feature_directions_, x_.size(0));
      return counted_forward(context, x_);
    }();
    const at::Tensor& classes = context.options.class_weights;
    const at::Tensor each =
        smoothed_cross_entropies(logits, labels_, context.options.label_smoothing, classes);
    // Rows in front are fresh; where nothing is carried, all have the same weight.
    at::Tensor weights = at::ones_like(each);
    if (fresh_.size() < each.size(0)) weights.narrow(0, 0, fresh_.size()).fill_(options_.fresh_weight);
    const at::Tensor total =
        classes.defined() ? (weights * classes.index_select(0, labels_)).sum() : weights.sum();
    world_->sum({total});
    at::Tensor loss = (weights * each).sum() / total;
    if (options_.consistency > 0) {
      const int64_t first = unmoved();
      const int64_t n = each.size(0) - first;
      if (n > 0)
        loss = loss + world_->share(static_cast<double>(n)) * options_.consistency *
                          (logits.narrow(0, first, n) - before_.narrow(0, first, n)).square().mean();
    }
    logits_ = logits.detach();
    return {.loss = loss, .logits = logits_, .labels = labels_};
  }

  void commit(StepContext& context) override {
    const at::NoGradGuard no_grad;
    at::Tensor gradient, agreement;
    if (reads_training_gradient()) {
      SelfGradientTap& tap = context.network.tap("input");
      gradient = unit_l1(tap.take_gradient());
      tap.capture(false);
      agreement = uses_agreement() ? agreement_of(gradient, direction_)
                                   : at::zeros({gradient.size(0)}, gradient.options());
    }
    alarm_ = watch(agreement);
    if (shared_) {
      const at::Tensor fresh = options_.steps > 0 ? first_gradient_ : gradient.narrow(0, 0, fresh_.size());
      shared_->write(fresh_.labels, fresh, alpha(), options_.momentum);
    }
    if (options_.relay == 1 && options_.steps > 0) {
      remember(fresh_, x_);
    } else {
      hand_over(context.options.threat, gradient, agreement);
    }
  }

  NamedTensors state() const override {
    NamedTensors tensors = relay_.state();
    for (const NamedTensors& part : {shared_ ? shared_->state() : NamedTensors{}, sentinel_.state()})
      tensors.insert(tensors.end(), part.begin(), part.end());
    return tensors;
  }

  std::vector<SharedRows> rows() const override {
    std::vector<SharedRows> rows{{relay_.capacity(), relay_.rows()}};
    if (example_) rows.push_back({example_->count(), example_->rows()});
    return rows;
  }

  void will_need(const at::Tensor& indices) const override {
    if (example_) example_->will_need(indices);
  }

  std::optional<Alarm> alarm() const override { return alarm_; }

 private:
  bool reads_training_gradient() const { return options_.relay > 1 || options_.steps == 0 || watches(); }
  bool watches() const { return options_.adaptive_step || options_.alarm; }
  bool uses_agreement() const { return watches() || options_.refresh > 0; }
  // Rows in front that no step has moved yet.
  int64_t unmoved() const { return options_.steps > 0 ? 0 : fresh_.size(); }
  bool remedy() const { return options_.alarm && sentinel_.remedy(); }
  double alpha() const { return options_.alpha * (options_.adaptive_step ? sentinel_.step_factor() : 1.0); }

  // The fresh examples behind their attack passes.
  Flight attacked(StepContext& context) {
    Flight fresh{.total = context.total,
                 .images = context.images,
                 .labels = context.labels,
                 .indices = context.indices,
                 .transforms = context.transforms};
    const Threat& threat = context.options.threat;
    fresh.x = project(threat, context.images, context.images + start(context));
    fresh.direction = at::zeros_like(fresh.x);
    fresh.logits = at::zeros({fresh.size(), context.network.options().classes}, fresh.x.options());
    feature_directions_.clear();
    const int64_t steps = options_.steps + (remedy() ? 1 : 0);
    for (int64_t i = 0; i < steps; ++i) {
      const at::Tensor gradient = unit_l1(tapped_gradient(context, fresh));
      if (i == 0) first_gradient_ = gradient;
      fresh.direction = gradient + options_.momentum * fresh.direction;
      fresh.x = ascend(context, fresh.x, fresh.direction, alpha());
    }
    return fresh;
  }

  // What the tap remembers of each image, and noise.
  at::Tensor start(const StepContext& context) const {
    const double share = remedy() ? 1.0 : options_.noise;
    const auto with_noise = [&](const at::Tensor& delta) {
      return share > 0 ? delta + start_noise(context, share) : delta;
    };
    if (shared_) return with_noise(shared_->read(context.labels));
    if (!example_) return start_noise(context, options_.initial_noise);
    const auto [remembered, visited] = example_->read(context.indices, context.transforms);
    at::Tensor delta = with_noise(remembered);
    if (visited.all().item<bool>()) return delta;
    return at::where(upload(visited, delta.device()).view({-1, 1, 1, 1}), delta,
                     start_noise(context, options_.initial_noise))
        .contiguous(at::MemoryFormat::ChannelsLast);
  }

  // The gradient of the summed loss at the input tap, from one forward and one backward, which also leaves
  // the directions of the feature taps.
  at::Tensor tapped_gradient(StepContext& context, Flight& flight) {
    const AttackModeGuard mode(context);
    SelfGradientTap& tap = context.network.tap("input");
    tap.capture(true);
    for (const FeatureTap& feature : options_.features)
      context.network.tap(feature.place).capture(true);
    const at::Tensor logits = counted_forward(context, flight.x);
    const at::Tensor loss = at::cross_entropy_loss(logits, flight.labels, {}, at::Reduction::Sum);
    flight.logits = logits.detach();
    std::vector<at::Tensor> places{tap.activation()};
    for (const FeatureTap& feature : options_.features)
      places.push_back(context.network.tap(feature.place).activation());
    const auto gradients = torch::autograd::grad({loss}, places);
    tap.capture(false);
    for (const FeatureTap& feature : options_.features)
      context.network.tap(feature.place).capture(false);
    feature_directions_.assign(gradients.begin() + 1, gradients.end());
    return gradients[0];
  }

  // One pass of attack for the share `refresh` of the carried examples whose gradients agreed least, of each
  // rank's own.
  void refresh(StepContext& context) {
    for (Flight& flight : flights_) {
      const auto n = static_cast<int64_t>(std::ceil(options_.refresh * static_cast<double>(flight.size())));
      const at::Tensor rows = flight.agreement.argsort().narrow(0, 0, n).contiguous();
      const auto pick = [&](const at::Tensor& tensor) { return tensor.index_select(0, rows); };
      Flight stale{.images = pick(flight.images), .labels = pick(flight.labels), .x = pick(flight.x)};
      const at::Tensor direction =
          unit_l1(tapped_gradient(context, stale)) + options_.momentum * pick(flight.direction);
      const at::Tensor moved =
          projected_step(context.options.threat, stale.images, stale.x, direction, alpha());
      // The relay's own tensors stay as they are until the step is committed.
      flight.x = flight.x.index_copy(0, rows, moved);
      flight.direction = flight.direction.index_copy(0, rows, direction);
      flight.logits = flight.logits.index_copy(0, rows, stale.logits);
    }
  }

  // Passes the agreement of the step on to the sentinel, which may raise an alarm.
  std::optional<Alarm> watch(const at::Tensor& agreement) {
    if (!watches()) return std::nullopt;
    const int64_t first = unmoved();
    if (first == agreement.size(0)) return std::nullopt;
    const int64_t n = agreement.size(0) - first;
    const auto mean = agreement.narrow(0, first, n).mean().item<double>();
    const auto alarm = sentinel_.update(world_->mean(mean, static_cast<double>(n)));
    return options_.alarm ? alarm : std::nullopt;
  }

  // All examples take the step of their training gradient; the oldest leave, the others stay in flight.
  void hand_over(const Threat& threat, const at::Tensor& gradient, const at::Tensor& agreement) {
    const at::Tensor direction = gradient + options_.momentum * direction_;
    const at::Tensor next = projected_step(threat, images_, x_, direction, alpha());
    std::vector<Flight> all{fresh_};
    all.insert(all.end(), flights_.begin(), flights_.end());
    int64_t begin = 0;
    for (Flight& flight : all) {
      const auto mine = [&](const at::Tensor& rows) { return rows.narrow(0, begin, flight.size()); };
      flight.x = mine(next);
      flight.direction = mine(direction);
      flight.agreement = mine(agreement);
      flight.logits = mine(logits_);
      begin += flight.size();
    }
    if (all.size() == static_cast<size_t>(options_.relay)) {
      remember(all.back(), all.back().x);
      all.pop_back();
    }
    relay_.hand_over(all);
  }

  void remember(const Flight& flight, const at::Tensor& x) {
    if (example_) example_->write(flight.indices, flight.transforms, x - flight.images);
  }

  const StrategyOptions options_;
  const WorldPtr world_;
  Relay relay_;
  std::optional<GradientMemory> example_;
  std::optional<SharedMemory> shared_;
  Sentinel sentinel_;
  std::optional<Alarm> alarm_;

  // Of the step under way.
  Flight fresh_;
  std::vector<Flight> flights_;
  at::Tensor images_, labels_, x_, direction_, before_, logits_, first_gradient_;
  std::vector<at::Tensor> feature_directions_;
};

}  // namespace

std::unique_ptr<Strategy> make_self_gradient(const TrainOptions& options, int64_t count,
                                             const ImageShape& shape, int64_t classes) {
  return std::make_unique<SelfGradient>(options, count, shape, classes);
}

}  // namespace selfgrad
