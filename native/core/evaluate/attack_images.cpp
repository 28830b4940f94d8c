// The driver over a tensor instead of a data set; success and predictions come from the images returned.
#include "evaluate/attack_images.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/nonzero.h>

#include "attack/active_set.h"
#include "evaluate/driver.h"

namespace selfgrad {
namespace {

at::Tensor predict_batches(Target& target, const at::Tensor& images, const at::Tensor& order,
                           int64_t batch_size) {
  at::Tensor predictions = at::empty({order.size(0)}, at::kLong);
  for_each_batch(order, batch_size, [&](const at::Tensor& rows, int64_t batch) {
    target.set_place("batch " + std::to_string(batch));
    const at::Tensor logits = target.logits(select_rows(images, rows.to(images.device())));
    predictions.index_copy_(0, rows, logits.argmax(1).cpu());
  });
  return predictions;
}

}  // namespace

AttackedImages attack_images(const Logits& logits, const at::Tensor& images, const at::Tensor& labels,
                             const std::vector<AttackOptions>& attacks, uint64_t seed, int64_t batch_size,
                             const std::atomic<bool>& stop) {
  Target attacker(logits, seed, stop);
  Target checker(logits, seed, stop);
  Subject subject;
  subject.images = [&](const at::Tensor& rows) { return select_rows(images, rows.to(images.device())); };
  subject.labels = labels.cpu();
  subject.device = images.device();
  subject.batch_size = batch_size;
  const at::Tensor order = at::arange(images.size(0), at::kLong);
  const at::Tensor clean = predict_batches(checker, images, order, batch_size);
  AttackedImages result;
  result.adversarial = images.clone();
  at::Tensor standing = clean == subject.labels;
  for (size_t attack = 0; attack < attacks.size(); ++attack) {
    run_attack(attacks[attack], static_cast<int64_t>(attack), subject, standing.nonzero().squeeze(1),
               attacker, checker, [&](const BatchOutcome& outcome, int64_t) {
                 store_rows(result.adversarial, outcome.indices.to(images.device()),
                            outcome.broken.to(images.device()), outcome.adversarial);
                 store_rows(standing, outcome.indices, outcome.broken, outcome.broken.logical_not());
               });
    result.source_passes += attacker.source_passes();
  }
  result.predictions = predict_batches(checker, result.adversarial, order, batch_size);
  result.success = result.predictions != subject.labels;
  result.passes = attacker.passes();
  result.passes += checker.passes();
  return result;
}

}  // namespace selfgrad
