// What the baseline strategies train on, against their definitions.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tiny_training.h"
#include "train/gradient_memory.h"
#include "train/training_losses.h"

namespace selfgrad {
namespace {

using test::kShape;
using test::tiny_options;
using test::train_tiny;

// One step of a strategy on the first images of the pattern, taken by hand.
class Step {
 public:
  explicit Step(TrainOptions options, int64_t count = 16, const std::string& activation = "relu")
      : options_(std::move(options)),
        data_(test::pattern_dataset(count, kShape, 4)),
        indices_(at::arange(count)) {
    NetworkOptions network = test::tiny_network();
    network.activation = activation;
    network_ = make_network(network);
    transforms_.resize(count);
    images_ = augment_images(data_.all_pixels(), indices_, transforms_);
    labels_ = data_.labels(indices_);
    strategy_ = make_strategy(options_, count, kShape, 4);
  }

  Strategy& strategy() { return *strategy_; }
  Network& network() { return *network_; }
  const at::Tensor& images() const { return images_; }

  /// The first `n` images (all for 0) in epoch `epoch`.
  StepContext context(int64_t epoch = 0, int64_t n = 0) {
    batch_ = {images_, labels_, indices_};
    if (n > 0)
      for (at::Tensor& part : batch_)
        part = part.narrow(0, 0, n);
    batch_transforms_.assign(transforms_.begin(), transforms_.begin() + batch_[0].size(0));
    return {*network_,         options_, batch_[0], batch_[1], batch_[2], batch_transforms_,
            batch_[0].size(0), {},       epoch,     passes_,   stop_};
  }

  /// What the training forward saw: of several, the last.
  at::Tensor trained_on() {
    StepContext step = context();
    strategy_->prepare(step);
    SelfGradientTap& tap = network_->tap("input");
    tap.capture(true);
    const StepOutput output = strategy_->loss(step);
    const at::Tensor x = tap.activation().detach().clone();
    tap.capture(false);
    return x;
  }

 private:
  TrainOptions options_;
  Dataset data_;
  at::Tensor images_, labels_, indices_;
  std::vector<at::Tensor> batch_;
  std::vector<Transform> transforms_, batch_transforms_;
  std::shared_ptr<Network> network_;
  std::unique_ptr<Strategy> strategy_;
  Passes passes_;
  std::atomic<bool> stop_{false};
};

TEST(Baselines, TrainWithinTheThreat) {
  for (const std::string name : {"atta", "trades", "mart"}) {
    for (const Threat threat : {Threat{Norm::kLinf, 8.0 / 255.0}, Threat{Norm::kL2, 0.5}}) {
      TrainOptions options = tiny_options(name);
      options.threat = threat;
      options.strategy.alpha = threat.eps;
      Step step(options);
      const at::Tensor x = step.trained_on();
      SCOPED_TRACE(name);
      test::expect_within(threat, step.images(), x);
      EXPECT_GT(perturbation_norm(threat.norm, x - step.images()).max().item<double>(), threat.eps * 0.5);
    }
  }
}

TEST(Trades, AttacksTheDivergence) {
  TrainOptions options = tiny_options("trades");
  options.strategy.attack_in_eval = true;
  Step step(options);
  const at::Tensor x = step.trained_on();
  const EvalModeGuard mode(step.network());
  const at::NoGradGuard no_grad;
  const at::Tensor natural = step.network().forward(step.images());
  const auto divergence = [&](const at::Tensor& at) {
    return kl_divergence(natural, step.network().forward(at)).sum().item<double>();
  };
  StepContext context = step.context();
  EXPECT_GT(divergence(x), 2 * divergence(random_images(context)));
}

TEST(NFgsm, LeavesTheBallButNotTheBox) {
  TrainOptions options = tiny_options("n-fgsm");
  options.strategy.alpha = options.threat.eps;
  options.strategy.noise = 2;
  Step step(options);
  const at::Tensor x = step.trained_on();
  test::expect_within({Norm::kLinf, 3 * options.threat.eps}, step.images(), x);
  EXPECT_GT((x - step.images()).abs().max().item<double>(), 2.5 * options.threat.eps);
}

TEST(Free, MovesItsPerturbationByTheTrainingBackwardAndKeepsItForTheNextBatch) {
  TrainOptions options = tiny_options("free");
  const double eps = options.threat.eps;
  options.strategy.alpha = 0.75 * eps;
  Step step(options);
  const at::Tensor delta = step.strategy().rows()[0].tensors[0].second;
  const auto take = [&](int64_t n) {
    StepContext context = step.context(0, n);
    step.strategy().prepare(context);
    step.strategy().loss(context).loss.backward();
    step.strategy().commit(context);
  };
  EXPECT_TRUE(delta.eq(0).all().item<bool>());
  take(16);
  const at::Tensor moved = delta.clone();
  EXPECT_TRUE(moved.abs().sub(0.75 * eps).abs().lt(1e-6).all().item<bool>()) << "one signed step everywhere";
  take(6);
  EXPECT_TRUE(delta.narrow(0, 6, 10).eq(moved.narrow(0, 6, 10)).all().item<bool>())
      << "rows that a smaller batch lacks stay";
  // From ±0.75 eps a step of 0.75 eps ends at ±eps by the clip, or back at 0.
  const at::Tensor size = delta.narrow(0, 0, 6).abs();
  EXPECT_TRUE((size.sub(eps).abs().lt(1e-6) | size.lt(1e-6)).all().item<bool>());
  EXPECT_TRUE(size.sub(eps).abs().lt(1e-6).any().item<bool>());
}

TEST(Free, SeesTheSameImagesInEveryReplay) {
  // Nothing learns and nothing is perturbed: steps differ by their images alone.
  TrainOptions options = tiny_options("free");
  options.strategy.replays = 2;
  options.strategy.alpha = 1e-12;
  options.lr = 1e-12;
  options.augment = {.crop = 3, .flip = true};
  const auto mean_loss = [&](int64_t steps) {
    options.epochs = static_cast<double>(steps) / 10;
    double loss = 0;
    train_tiny(options, {.observer = [&](const TrainEvent& event) {
                 if (event.kind == TrainEvent::Kind::kEpoch) loss = event.loss;
               }});
    return loss;
  };
  const double one = mean_loss(1);
  EXPECT_NEAR(mean_loss(2), one, 1e-5);
  EXPECT_GT(std::abs(mean_loss(3) - one), 1e-3);
}

TEST(GradAlign, DifferentiatesItsPenaltyThroughTheSecondGradient) {
  // A smooth network, so that finite differences of a gradient exist.
  TrainOptions options = tiny_options("gradalign");
  options.strategy.lambda = 5;
  Step step(options, 16, "silu");
  StepContext context = step.context();
  step.strategy().prepare(context);
  step.strategy().loss(context).loss.backward();
  const auto parameters = step.network().parameters();
  for (const size_t which : {size_t{0}, size_t{3}, parameters.size() - 2}) {
    at::Tensor weight = parameters[which];
    const at::Tensor gradient = weight.grad().clone();
    const at::Tensor direction = gradient / gradient.norm();
    const double h = 3e-3;
    const auto loss_at = [&](double shift) {
      {
        const at::NoGradGuard no_grad;
        weight.add_(direction, shift);
      }
      const double loss = step.strategy().loss(context).loss.item<double>();
      const at::NoGradGuard no_grad;
      weight.sub_(direction, shift);
      return loss;
    };
    const double slope = (loss_at(h) - loss_at(-h)) / (2 * h);
    EXPECT_NEAR(slope / gradient.norm().item<double>(), 1, 0.03) << which;
  }
}

TEST(GradAlign, StartsAtTheImageAndHasNoPenaltyAtLambdaZero) {
  TrainOptions options = tiny_options("gradalign");
  options.strategy.alpha = options.threat.eps;
  const auto loss_with = [&](double lambda) {
    options.strategy.lambda = lambda;
    Step step(options);
    StepContext context = step.context();
    step.strategy().prepare(context);
    return step.strategy().loss(context).loss.item<double>();
  };
  const double plain = loss_with(0);
  const double penalty = loss_with(1) - plain;
  EXPECT_GT(penalty, 0.001);
  EXPECT_LT(penalty, 2);
  EXPECT_NEAR(loss_with(0.5), plain + 0.5 * penalty, 1e-5);
}

TEST(Atta, GoesOnWhereItEndedAndStartsAfreshEveryFewEpochs) {
  // The memory moves by one signed step a visit.
  TrainOptions options = test::frozen_options("atta");
  options.strategy.steps = 1;
  options.strategy.reset_every = 2;
  options.strategy.alpha = options.threat.eps * 40 / 127;
  const auto largest_after = [&](int64_t visits) {
    options.epochs = static_cast<double>(visits);
    return test::checkpoint_of_one_batch(options).at("memory.delta").to(at::kInt).abs().max().item<int64_t>();
  };
  // The start's noise of 0.001 is two byte steps, at most five times as much.
  EXPECT_NEAR(static_cast<double>(largest_after(1)), 40, 10);
  EXPECT_NEAR(static_cast<double>(largest_after(2)), 80, 10);
  EXPECT_NEAR(static_cast<double>(largest_after(3)), 40, 10) << "reset";
  EXPECT_NEAR(static_cast<double>(largest_after(4)), 80, 10);
  options.strategy.reset_every = 0;
  EXPECT_NEAR(static_cast<double>(largest_after(3)), 120, 10) << "never reset";
}

TEST(Atta, ForgetsWhatTheCropHidesWhenItStartsAfresh) {
  GradientMemory memory(4, kShape, 0.1);
  const at::Tensor all = at::arange(4);
  const std::vector<Transform> none(4);
  memory.write(all, none, 0.1 * at::ones({4, 1, 8, 8}));
  memory.forget(at::arange(2));
  EXPECT_TRUE(memory.read(at::arange(2), {{}, {}}).delta.eq(0).all().item<bool>());
  EXPECT_FALSE(memory.read(at::arange(2), {{}, {}}).visited.any().item<bool>());
  EXPECT_TRUE(memory.read(at::arange(2, 4), {{}, {}}).visited.all().item<bool>());
}

}  // namespace
}  // namespace selfgrad
