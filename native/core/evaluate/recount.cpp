// A figure that is reported is a figure that was counted twice.
#include "evaluate/recount.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/max.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>

#include <filesystem>
#include <system_error>

#include "attack/active_set.h"
#include "attack/goal.h"
#include "error.h"

namespace selfgrad {
namespace {

// Sums of a forward pass differ by about this much with the batch's size, relative to the largest logit.
constexpr double kTie = 1e-5;

// A folder that is not there is an error only for who needs it.
std::string temporary_folder() {
  std::error_code ignored;
  return std::filesystem::temp_directory_path(ignored).string();
}

at::Tensor clearly_missed(const at::Tensor& logits, const Goal& goal) {
  return -goal.lead(logits) > kTie * logits.abs().amax(1).clamp_min(1.0);
}

}  // namespace

BrokenImages::BrokenImages() : adversarial_(temporary_folder()) {}

void BrokenImages::add(const BatchOutcome& outcome) {
  const at::Tensor rows = outcome.broken.nonzero().squeeze(1);
  if (rows.size(0) == 0) return;
  indices_.push_back(outcome.indices.index_select(0, rows));
  steps_.push_back(outcome.step.index_select(0, rows));
  if (outcome.aims.defined()) aims_.push_back(outcome.aims.index_select(0, rows));
  adversarial_.add(select_rows(outcome.adversarial, rows.to(outcome.adversarial.device())));
}

at::Tensor BrokenImages::indices() const {
  return at::cat(indices_);
}

at::Tensor BrokenImages::steps() const {
  return at::cat(steps_);
}

at::Tensor BrokenImages::aims() const {
  return aims_.empty() ? at::Tensor() : at::cat(aims_);
}

Recount recount(const BrokenImages& broken, const Subject& subject, const std::string& attack,
                Target& checker) {
  const at::Tensor indices = broken.indices();
  const at::Tensor aims = broken.aims();
  std::vector<at::Tensor> predictions;
  std::vector<at::Tensor> confidences;
  std::vector<at::Tensor> margins;
  int64_t missed = 0;
  const auto classify = [&](const at::Tensor& rows, int64_t batch) {
    checker.set_place("batch " + std::to_string(batch) + " of the recount of attack " + attack);
    const at::Tensor logits = checker.logits(broken.adversarial(rows).to(subject.device));
    const at::Tensor labels = subject.labels_of(indices.index_select(0, rows));
    const at::Tensor wanted = aims.defined() ? aims.index_select(0, rows).to(subject.device) : aims;
    missed += clearly_missed(logits, goal_of(labels, wanted)).sum().item<int64_t>();
    margins.push_back(-margin(logits, labels).cpu());
    const auto [confidence, prediction] = logits.softmax(1).max(1);
    predictions.push_back(prediction.cpu());
    confidences.push_back(confidence.cpu());
  };
  for_each_batch(at::arange(indices.size(0), at::kLong), subject.batch_size / 2 + 1, classify);
  if (missed > 0) {
    throw Error("ERR_NATIVE", "Expected the " + std::to_string(indices.size(0)) + " images that " + attack +
                                  " broke to be " +
                                  (aims.defined() ? "taken for their targets" : "misclassified") +
                                  " when counted again but received " + std::to_string(missed) +
                                  (aims.defined() ? " others" : " correct ones") +
                                  ". The network's answer for an image depends on its batch or on "
                                  "chance: put it in evaluation mode.");
  }
  return {at::cat(predictions), at::cat(confidences), at::cat(margins)};
}

}  // namespace selfgrad
