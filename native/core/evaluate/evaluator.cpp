// Clean pass, attacks, recounts, and the bookkeeping between them.
#include "evaluate/evaluator.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/all.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/masked_select.h>
#include <ATen/ops/max.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>

#include "attack/losses.h"
#include "error.h"
#include "evaluate/driver.h"
#include "evaluate/recount.h"
#include "tensor/upload.h"

namespace selfgrad {
namespace {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::vector<int32_t> int32_values(const at::Tensor& values) {
  const at::Tensor narrow = values.to(at::kInt).contiguous();
  const auto* data = narrow.const_data_ptr<int32_t>();
  return {data, data + narrow.numel()};
}

void append(std::vector<double>& values, const at::Tensor& more) {
  const at::Tensor wide = more.to(at::kDouble).contiguous();
  const auto* data = wide.const_data_ptr<double>();
  values.insert(values.end(), data, data + wide.numel());
}

/// Adversarial images by the index of the image that each was made of.
class KeptImages {
 public:
  explicit KeptImages(const ImageShape& shape) {
    indices_.push_back(at::empty({0}, at::kLong));
    images_.push_back(at::empty({0, shape.channels, shape.height, shape.width}, at::kFloat));
  }

  void add(const BrokenImages& broken, const std::vector<int64_t>& rows) {
    if (rows.empty()) return;
    const at::Tensor chosen = at::tensor(rows, at::kLong);
    indices_.push_back(broken.indices().index_select(0, chosen));
    images_.push_back(broken.adversarial(chosen));
  }

  at::Tensor in_order() const {
    return at::cat(images_).index_select(0, at::cat(indices_).argsort()).contiguous();
  }

 private:
  std::vector<at::Tensor> indices_, images_;
};

class Evaluation {
 public:
  Evaluation(const Logits& logits, const Dataset& data, const EvaluateOptions& options,
             const std::atomic<bool>& stop, const EvaluateObserver& observer)
      : logits_(logits),
        options_(options),
        stop_(stop),
        observer_(observer),
        checker_(logits, options.seed, stop),
        kept_(data.shape()) {
    subject_.images = [&data, &options](const at::Tensor& indices) {
      return upload(data.images(indices), options.device);
    };
    subject_.labels = data.labels(every_index());
    subject_.first = options.first;
    subject_.device = options.device;
    subject_.batch_size = options.batch_size;
    result_.count = options.count;
    result_.labels = int32_values(subject_.labels);
    result_.steps.assign(options.count, -1);
    result_.margins.assign(options.count, std::numeric_limits<double>::quiet_NaN());
  }

  EvaluateResult run() {
    classify_clean();
    for (size_t attack = 0; attack < options_.attacks.size(); ++attack)
      run_one(static_cast<int64_t>(attack));
    choose_examples();
    if (options_.keep_images) result_.adversarial = kept_.in_order();
    result_.robust = standing_.sum().item<int64_t>();
    result_.passes += checker_.passes();
    result_.seconds = watch_.seconds();
    return std::move(result_);
  }

 private:
  at::Tensor every_index() const {
    return at::arange(options_.first, options_.first + options_.count, at::kLong);
  }

  /// Indices of the images that are marked in (count) bool.
  at::Tensor indices_of(const at::Tensor& marked) const {
    return marked.nonzero().squeeze(1) + options_.first;
  }

  void classify_clean() {
    std::vector<at::Tensor> predictions;
    std::vector<at::Tensor> confidences;
    int64_t done = 0;
    for_each_batch(every_index(), options_.batch_size, [&](const at::Tensor& indices, int64_t batch) {
      checker_.set_place("batch " + std::to_string(batch) + " of the clean images");
      const at::Tensor logits = checker_.logits(subject_.images(indices));
      const auto [confidence, prediction] = logits.softmax(1).max(1);
      predictions.push_back(prediction.cpu());
      confidences.push_back(confidence.cpu());
      result_.clean += (predictions.back() == subject_.labels_of(indices).cpu()).sum().item<int64_t>();
      done += indices.size(0);
      observer_({EvaluateProgress::Kind::kClean, 0, "clean", done, options_.count, result_.clean, 0});
    });
    const at::Tensor prediction = at::cat(predictions);
    clean_confidence_ = at::cat(confidences);
    correct_ = prediction == subject_.labels;
    standing_ = correct_.clone();
    left_ = correct_.clone();
    result_.predictions = int32_values(prediction);
    for (const int32_t wrong : int32_values(~correct_)) {
      result_.broken_by.push_back(wrong != 0 ? kWrongBefore : kRobust);
    }
  }

  void run_one(int64_t attack) {
    const AttackOptions& options = options_.attacks[attack];
    const Stopwatch watch;
    Target attacker(logits_, options_.seed, stop_);
    attacker.set_windows(options_.windows);
    attacker.set_repeats(options_.repeats);
    AttackOutcome outcome;
    outcome.name = options.name;
    const auto place = static_cast<size_t>(attack);
    if (place >= options_.cascade.size() || !options_.cascade[place]) left_ = correct_.clone();
    const int64_t standing = left_.sum().item<int64_t>();
    const at::Tensor attacked = attackable(options, subject_, indices_of(left_));
    outcome.attacked = attacked.size(0);
    BrokenImages broken;
    const int64_t restarts = make_attack(options)->restarts();
    int64_t done = 0;
    run_attack(options, attack, subject_, attacked, attacker, checker_,
               [&](const BatchOutcome& batch, int64_t restart) {
                 broken.add(batch);
                 const auto newly = batch.broken.sum().item<int64_t>();
                 outcome.broken += newly;
                 done += batch.indices.size(0) + newly * (restarts - 1 - restart);
                 if (batch.distance.defined()) {
                   append(outcome.distances, batch.distance.masked_select(batch.distance.isfinite()));
                 }
                 observer_({EvaluateProgress::Kind::kAttack, attack, options.name, done,
                            outcome.attacked * restarts, 0, outcome.broken});
               });
    if (!broken.empty()) settle(attack, broken);
    outcome.robust = standing - outcome.broken;
    outcome.passes = attacker.passes();
    outcome.source_passes = attacker.source_passes();
    outcome.seconds = watch.seconds();
    result_.passes += outcome.passes;
    observer_({EvaluateProgress::Kind::kAttackEnd, attack, options.name, outcome.attacked, outcome.attacked,
               outcome.robust, outcome.broken});
    result_.attacks.push_back(std::move(outcome));
  }

  /// Recounts what an attack broke, marks the images and keeps the first ones for display.
  void settle(int64_t attack, const BrokenImages& broken) {
    const Recount again = recount(broken, subject_, options_.attacks[attack].name, checker_);
    const at::Tensor indices = broken.indices();
    const at::Tensor steps = broken.steps();
    std::vector<int64_t> first_time;
    for (int64_t row = 0; row < indices.size(0); ++row) {
      const int64_t place = indices[row].item<int64_t>() - options_.first;
      if (result_.broken_by[place] != kRobust) continue;
      result_.broken_by[place] = static_cast<int32_t>(attack);
      result_.steps[place] = steps[row].item<int32_t>();
      result_.margins[place] = again.margins[row].item<double>();
      first_time.push_back(row);
    }
    standing_.index_fill_(0, indices - options_.first, false);
    left_.index_fill_(0, indices - options_.first, false);
    const at::Tensor order = indices.argsort();
    if (options_.keep_images) kept_.add(broken, first_time);
    std::vector<Example> candidates;
    for (int64_t i = 0; i < std::min(options_.examples, order.size(0)); ++i) {
      const auto row = order[i].item<int64_t>();
      const auto index = indices[row].item<int64_t>();
      const int64_t place = index - options_.first;
      Example example;
      example.index = index;
      example.label = result_.labels[place];
      example.attack = attack;
      example.clean_prediction = result_.predictions[place];
      example.clean_confidence = clean_confidence_[place].item<double>();
      example.adversarial_prediction = again.predictions[row].item<int64_t>();
      example.adversarial_confidence = again.confidences[row].item<double>();
      example.image = subject_.images(indices.narrow(0, row, 1))[0].cpu().contiguous();
      example.adversarial = broken.adversarial(order.narrow(0, i, 1))[0].contiguous();
      candidates.push_back(std::move(example));
    }
    candidates_.push_back(std::move(candidates));
  }

  /// One image of each attack in turn, the lowest index first, no image twice.
  void choose_examples() {
    const auto taken = [this](const Example& candidate) {
      return std::any_of(result_.examples.begin(), result_.examples.end(),
                         [&](const Example& example) { return example.index == candidate.index; });
    };
    const auto full = [this] { return static_cast<int64_t>(result_.examples.size()) >= options_.examples; };
    for (bool added = true; added && !full();) {
      added = false;
      for (auto& candidates : candidates_) {
        const auto next = std::find_if_not(candidates.begin(), candidates.end(), taken);
        if (next == candidates.end() || full()) continue;
        next->gradient = gradient_at(*next);
        result_.examples.push_back(std::move(*next));
        candidates.erase(candidates.begin(), next + 1);
        added = true;
      }
    }
  }

  /// For display alone: one image at a time, so that it is the same in every part, and not counted.
  at::Tensor gradient_at(const Example& example) const {
    Target shown(logits_, options_.seed, stop_);
    shown.set_place("the gradient at image " + std::to_string(example.index));
    const at::Tensor image = example.image.unsqueeze(0).to(options_.device);
    const at::Tensor label = at::full({1}, example.label, image.options().dtype(at::kLong));
    try {
      const auto loss = [&](const at::Tensor& z) {
        return attack_loss(AttackLoss::kCrossEntropy, z, label, 0);
      };
      const at::Tensor gradient = shown.gradient(image, loss).gradient[0].cpu().contiguous();
      return gradient.isfinite().all().item<bool>() ? gradient : at::Tensor();
    } catch (const Cancelled&) {
      throw;
    } catch (const std::exception&) {
      // A network without gradients refuses, some TorchScript fails: the evaluation is whole without a map.
      return {};
    }
  }

  const Logits& logits_;
  const EvaluateOptions& options_;
  const std::atomic<bool>& stop_;
  const EvaluateObserver& observer_;
  Stopwatch watch_;
  Target checker_;  ///< clean pass, confirmations, recounts
  Subject subject_;
  at::Tensor correct_, standing_;                 ///< (count) bool: before all attacks, after them
  at::Tensor left_;                               ///< (count) bool: after the attacks of this cascade
  at::Tensor clean_confidence_;                   ///< (count) float32
  std::vector<std::vector<Example>> candidates_;  ///< per attack that broke something
  KeptImages kept_;                               ///< what first broke each image
  EvaluateResult result_;
};

}  // namespace

EvaluateResult evaluate(const Logits& logits, const Dataset& data, const EvaluateOptions& options,
                        const std::atomic<bool>& stop, const EvaluateObserver& observer) {
  return Evaluation(logits, data, options, stop, observer).run();
}

}  // namespace selfgrad
