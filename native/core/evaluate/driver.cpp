// The one loop over restarts and batches, for every attack.
#include "evaluate/driver.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/masked_select.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "attack/active_set.h"
#include "attack/goal.h"
#include "tensor/upload.h"

namespace selfgrad {
namespace {

/// Confirms what the attack claims for some rows of its batch: (N) bool, false elsewhere.
at::Tensor confirm(Target& checker, const at::Tensor& x, const Goal& goal, const at::Tensor& claimed) {
  at::Tensor confirmed = at::zeros_like(claimed);
  const at::Tensor rows = claimed.nonzero().squeeze(1);
  if (rows.size(0) == 0) return confirmed;
  const at::Tensor logits = checker.logits(select_rows(x, rows));
  const Goal of_rows{goal.classes.index_select(0, rows), goal.targeted};
  return confirmed.index_copy_(0, rows, of_rows.reached(logits));
}

BatchOutcome attack_batch(const Attack& attack, const Threat& threat, const Subject& subject,
                          const at::Tensor& indices, uint32_t round, Target& attacker, Target& checker) {
  const at::Tensor images = subject.images(indices);
  const at::Tensor labels = subject.labels_of(indices);
  const AttackResult result = attack.run(attacker, images, labels, indices, round);
  attacker.settle();
  const Goal goal = goal_of(labels, result.aims);
  BatchOutcome outcome;
  outcome.indices = indices;
  if (result.distance.defined()) {
    const at::Tensor found = confirm(checker, result.adversarial, goal, result.distance.isfinite());
    const at::Tensor none = at::full_like(result.distance, std::numeric_limits<double>::infinity());
    outcome.distance = at::where(found, result.distance, none).cpu();
  }
  const at::Tensor clipped = project(threat, images, result.adversarial);
  const at::Tensor broken = confirm(checker, clipped, goal, result.success);
  outcome.adversarial = where_rows(broken, clipped, images);
  outcome.broken = broken.cpu();
  outcome.step = result.step.cpu();
  if (result.aims.defined()) outcome.aims = result.aims.cpu();
  return outcome;
}

}  // namespace

at::Tensor Subject::labels_of(const at::Tensor& indices) const {
  return upload(labels.index_select(0, indices - first), device);
}

void for_each_batch(const at::Tensor& rows, int64_t size,
                    const std::function<void(const at::Tensor&, int64_t)>& visit) {
  for (int64_t start = 0, batch = 0; start < rows.size(0); start += size, ++batch) {
    visit(rows.narrow(0, start, std::min(size, rows.size(0) - start)), batch);
  }
}

at::Tensor attackable(const AttackOptions& options, const Subject& subject, const at::Tensor& standing) {
  if (options.target != Aim::kClass) return standing;
  const at::Tensor labels = subject.labels.index_select(0, standing - subject.first);
  return standing.masked_select(labels != options.target_class);
}

void run_attack(const AttackOptions& options, int64_t attack, const Subject& subject, at::Tensor standing,
                Target& attacker, Target& checker,
                const std::function<void(const BatchOutcome&, int64_t)>& observe) {
  const auto method = make_attack(options);
  standing = attackable(options, subject, standing);
  attacker.set_source(options.source);
  attacker.set_samples(options.eot);
  attacker.set_precision(options.precision);
  for (int64_t restart = 0; restart < method->restarts() && standing.size(0) > 0; ++restart) {
    const auto round = static_cast<uint32_t>(attack << 16 | restart);
    std::vector<at::Tensor> left;
    for_each_batch(standing, subject.batch_size, [&](const at::Tensor& indices, int64_t batch) {
      const std::string place = "batch " + std::to_string(batch) + " of attack " + options.name;
      attacker.set_place(place);
      checker.set_place(place);
      const BatchOutcome outcome =
          attack_batch(*method, options.threat, subject, indices, round, attacker, checker);
      left.push_back(indices.index_select(0, outcome.broken.logical_not().nonzero().squeeze(1)));
      observe(outcome, restart);
    });
    standing = at::cat(left);
  }
}

}  // namespace selfgrad
