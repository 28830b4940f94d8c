#include "train/trainer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/argmax.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "error.h"
#include "evaluate/evaluator.h"
#include "tensor/upload.h"
#include "train/schedule.h"
#include "train/weight_perturbation.h"

namespace selfgrad {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Step events are for eyes: no more than four a second.
constexpr double kStepEventInterval = 0.25;

std::string text(const ImageShape& shape) {
  return std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" +
         std::to_string(shape.width);
}

// The ranks' sums of five counts.
std::array<int64_t, 5> over_ranks(World& world, const std::array<int64_t, 5>& counts) {
  const std::vector<double> sums = world.sum(std::vector<double>(counts.begin(), counts.end()));
  std::array<int64_t, 5> totals{};
  std::transform(sums.begin(), sums.end(), totals.begin(), [](double sum) { return std::llround(sum); });
  return totals;
}

void check_fit(const Network& network, const Dataset& data) {
  const ImageShape& wanted = network.options().shape;
  const ImageShape& given = data.shape();
  if (wanted.channels != given.channels || wanted.height != given.height || wanted.width != given.width)
    throw Error("ERR_DATA", "Expected images of " + text(wanted) +
                                " (what the network was built for) but the data set holds " + text(given) +
                                ".");
  if (network.options().classes != data.classes())
    throw Error("ERR_DATA", "Expected " + std::to_string(network.options().classes) +
                                " classes (the width of the network's logits) but the data set has " +
                                std::to_string(data.classes()) + ".");
  if (data.filled() != data.count())
    throw Error("ERR_DATA", "Expected " + std::to_string(data.count()) + " images in the data set but only " +
                                std::to_string(data.filled()) + " were added.");
}

}  // namespace

Trainer::Trainer(Network& network, const Dataset& data, const Dataset* validation, TrainOptions options)
    : network_(network),
      data_(data),
      pixels_(stays_on(options.device, static_cast<int64_t>(data.all_pixels().nbytes()))
                  ? data.all_pixels().to(options.device)
                  : data.all_pixels()),
      validation_(validation),
      options_(std::move(options)),
      optimizer_(network, options_.momentum, options_.nesterov, options_.weight_decay),
      strategy_(make_strategy(options_, data.count(), data.shape(), data.classes())),
      average_(options_.average_decay > 0 ? std::make_unique<WeightAverage>(network, options_.average_decay)
                                          : nullptr),
      images_per_step_(strategy_->images_per_step(options_.batch_size)),
      steps_per_epoch_(strategy_->replays() * ((data.count() + images_per_step_ - 1) / images_per_step_)),
      steps_(std::max<int64_t>(1, std::llround(options_.epochs * static_cast<double>(steps_per_epoch_)))) {
  check_fit(network, data);
  if (options_.class_weights.defined()) options_.class_weights = options_.class_weights.to(options_.device);
  if (validation != nullptr) check_fit(network, *validation);
  const int64_t rest = data.count() % images_per_step_;
  const int64_t fewest = rest > 0 ? rest : images_per_step_;
  if (fewest < world().size())
    throw Error("ERR_OPTION", "Expected a batch of at least " + std::to_string(world().size()) +
                                  " images (one a rank) for every step but an epoch's last has " +
                                  std::to_string(fewest) +
                                  ". Choose another train.batchSize or fewer ranks.");
}

Trainer::~Trainer() {
  network_.synchronize_batch_norm({});
}

TrainEvent Trainer::event(TrainEvent::Kind kind) const {
  TrainEvent event;
  event.kind = kind;
  event.epoch = epoch();
  event.step = position_.step;
  event.steps = steps_;
  event.steps_per_epoch = steps_per_epoch_;
  event.loss = last_loss_;
  event.lr = last_lr_;
  event.passes = position_.passes;
  event.seconds = position_.seconds;
  event.images_per_second = run_seconds_ > 0 ? static_cast<double>(images_done_) / run_seconds_ : 0;
  return event;
}

bool Trainer::any_rank(bool mine) {
  return world().sum(std::vector<double>{mine ? 1.0 : 0.0})[0] > 0;
}

TrainResult Trainer::run(const std::atomic<bool>& stop, const TrainObserver& observer) {
  network_.train();
  world().use(options_.device);
  if (!world().alone()) network_.synchronize_batch_norm(options_.world);
  saves_ = any_rank(!options_.checkpoint_path.empty());
  if (any_rank(!options_.resume_path.empty()))
    position_ =
        load_checkpoint(options_.resume_path, network_, optimizer_, *strategy_, average_.get(), options_);
  TrainEvent start = event(TrainEvent::Kind::kStart);
  for (const auto& parameter : network_.parameters())
    start.parameters += parameter.numel();
  observer(start);

  bool cancelled = false;
  auto last_event = Clock::now();
  while (position_.step < steps_ && !cancelled) {
    try {
      take_step(stop);
      if (const auto alarm = strategy_->alarm()) {
        TrainEvent raised = event(TrainEvent::Kind::kAlarm);
        raised.alarm = *alarm;
        observer(raised);
      }
      if (seconds_since(last_event) > kStepEventInterval) {
        last_event = Clock::now();
        observer(event(TrainEvent::Kind::kStep));
      }
      if (position_.step % steps_per_epoch_ == 0 || position_.step == steps_) end_epoch(stop, observer);
    } catch (const Cancelled&) {
      cancelled = true;
    } catch (const std::exception&) {
      world().check();  // what a lost rank left unfinished on a GPU may fail anywhere
      throw;
    }
  }
  if (position_.step == steps_ || cancelled) checkpoint(observer);
  if (average_ && !cancelled) average_->swap();
  any_rank(cancelled);  // nobody leaves while another still waits for its last words
  network_.eval();
  return {.completed = !cancelled,
          .step = position_.step,
          .steps = steps_,
          .passes = position_.passes,
          .weight_gradients = position_.weight_gradients,
          .seconds = position_.seconds,
          .images_per_second = event(TrainEvent::Kind::kStep).images_per_second,
          .traffic = world().traffic()};
}

at::Tensor Trainer::images_of_step(int64_t step) {
  const int64_t epoch = step / steps_per_epoch_;
  if (order_epoch_ != epoch) {
    order_ = permutation({options_.seed, Purpose::kShuffle, static_cast<uint32_t>(epoch)}, data_.count());
    order_epoch_ = epoch;
  }
  const int64_t begin = step % steps_per_epoch_ / strategy_->replays() * images_per_step_;
  return order_.slice(0, begin, std::min(begin + images_per_step_, data_.count()));
}

// The disk reads the next step's images while this one computes.
void Trainer::fetch_next() {
  const int64_t next = position_.step + 1;
  if (next == steps_) return;
  const at::Tensor indices = world().mine(images_of_step(next)).contiguous();
  data_.will_need(indices);
  strategy_->will_need(indices);
}

BatchShare Trainer::share_of(const at::Tensor& labels) {
  if (world().alone()) return {};
  const at::Tensor& classes = options_.class_weights;
  const auto images = static_cast<double>(labels.size(0));
  const double weights = classes.defined() ? classes.index_select(0, labels).sum().item<double>() : images;
  const std::vector<double> sums = world().sum({images, weights});
  return {images / sums[0], weights / sums[1]};
}

void Trainer::take_step(const std::atomic<bool>& stop) {
  const auto started = Clock::now();
  const int64_t epoch = this->epoch();
  const at::Tensor all = images_of_step(position_.step);
  const at::Tensor indices = world().mine(all).contiguous();
  const auto transforms = draw_transforms(
      options_.augment, {options_.seed, Purpose::kAugment, static_cast<uint32_t>(epoch)}, indices);
  const at::Tensor images =
      upload(augment_images(pixels_, data_.rows_of(indices), transforms), options_.device);
  const at::Tensor labels = upload(data_.labels(indices), options_.device);
  fetch_next();

  // Ranks stop between steps: one that left within a step would leave the others waiting.
  static const std::atomic<bool> never{false};
  if (!world().alone() && any_rank(stop)) throw Cancelled();

  // The attack's forwards move BatchNorm's running statistics; a cancelled step must leave none of that
  // behind.
  std::vector<at::Tensor> buffers;
  for (const auto& buffer : network_.buffers())
    buffers.push_back(buffer.clone());
  Passes passes;
  int64_t attack_backward = 0;
  StepContext context{network_,
                      options_,
                      images,
                      labels,
                      indices,
                      transforms,
                      all.size(0),
                      share_of(labels),
                      epoch,
                      passes,
                      world().alone() ? stop : never};
  StepOutput output;
  std::unique_ptr<WeightPerturbation> perturbation;
  try {
    strategy_->prepare(context);
    attack_backward = passes.backward;
    if (options_.weight_perturbation > 0)
      perturbation = std::make_unique<WeightPerturbation>(network_, strategy_->loss(context).loss,
                                                          options_.weight_perturbation, world());
    output = strategy_->loss(context);
  } catch (const Cancelled&) {
    perturbation.reset();
    const at::NoGradGuard no_grad;
    auto saved = buffers.begin();
    for (auto& buffer : network_.buffers())
      buffer.copy_(*saved++);
    network_.train();
    throw;
  }
  const double loss = world().sum(std::vector<double>{output.loss.item<double>()})[0];
  if (!std::isfinite(loss))
    throw Error("ERR_NUMERIC", "The training loss became " + std::to_string(loss) + " at step " +
                                   std::to_string(position_.step) +
                                   ". Lower train.lr or use train.precision float32.");
  output.loss.backward();
  perturbation.reset();
  optimizer_.sum_gradients(world());
  last_lr_ = learning_rate(options_.schedule, options_.lr, position_.step, steps_);
  optimizer_.step(last_lr_);
  if (average_) average_->update(position_.step);
  strategy_->commit(context);

  const int64_t own = output.labels.size(0);
  const int64_t own_correct = output.logits.argmax(1).eq(output.labels).sum().item<int64_t>();
  const auto [n, correct, forward, backward, weight_gradients] = over_ranks(
      world(), {own, own_correct, passes.forward, passes.backward, passes.backward - attack_backward});
  last_loss_ = loss;
  position_.step += 1;
  position_.passes += {.forward = forward, .backward = backward};
  position_.weight_gradients += weight_gradients;
  position_.epoch_loss += loss * static_cast<double>(n);
  position_.epoch_correct += correct;
  position_.epoch_seen += n;
  const double seconds = seconds_since(started);
  position_.seconds += seconds;
  run_seconds_ += seconds;
  images_done_ += all.size(0);
}

void Trainer::end_epoch(const std::atomic<bool>& stop, const TrainObserver& observer) {
  // The step counter already stands at the next epoch's first step, or at the end of the run.
  const int64_t finished = (position_.step - 1) / steps_per_epoch_;
  TrainEvent done = event(TrainEvent::Kind::kEpoch);
  done.epoch = finished;
  done.loss = position_.epoch_loss / static_cast<double>(position_.epoch_seen);
  done.accuracy = static_cast<double>(position_.epoch_correct) / static_cast<double>(position_.epoch_seen);
  observer(done);
  position_.epoch_loss = 0;
  position_.epoch_correct = 0;
  position_.epoch_seen = 0;
  const bool last = position_.step == steps_;
  if (!last && options_.checkpoint_every > 0 && (finished + 1) % options_.checkpoint_every == 0)
    checkpoint(observer);
  if (validation_ != nullptr && options_.validate_every > 0 &&
      (last || (finished + 1) % options_.validate_every == 0))
    validate(stop, observer);
}

void Trainer::validate(const std::atomic<bool>& stop, const TrainObserver& observer) {
  const EvalModeGuard mode(network_);
  const AverageGuard averaged(average_.get());
  EvaluateOptions options;
  // Images are independent: each rank attacks a range of them.
  const int64_t count = std::min(options_.validate_count, validation_->count());
  options.first = count * world().rank() / world().size();
  options.count = count * (world().rank() + 1) / world().size() - options.first;
  options.seed = options_.seed;
  options.attacks = {options_.validate_attack};
  options.device = options_.device;
  options.repeats = true;
  const auto started = Clock::now();
  EvaluateResult result;
  bool cancelled = false;
  try {
    if (options.count > 0)
      result = evaluate([&](const at::Tensor& x) { return network_.logits(x, stop); }, *validation_, options,
                        stop, [](const EvaluateProgress&) {});
  } catch (const Cancelled&) {
    cancelled = true;
  }
  const auto [stopped, clean, robust, forward, backward] = over_ranks(
      world(),
      {cancelled ? 1 : 0, result.clean, result.robust, result.passes.forward, result.passes.backward});
  if (stopped > 0) throw Cancelled();
  TrainEvent done = event(TrainEvent::Kind::kEval);
  done.epoch = (position_.step - 1) / steps_per_epoch_;
  done.count = count;
  done.clean = clean;
  done.robust = robust;
  done.passes = {.forward = forward, .backward = backward};
  done.seconds = seconds_since(started);
  observer(done);
}

void Trainer::checkpoint(const TrainObserver& observer) {
  if (!saves_) return;
  save_checkpoint(options_.checkpoint_path, network_, optimizer_, *strategy_, average_.get(), position_,
                  options_, /*keep_previous=*/position_.step < steps_);
  TrainEvent written = event(TrainEvent::Kind::kCheckpoint);
  written.path = options_.checkpoint_path;
  observer(written);
}

}  // namespace selfgrad
