// The search of Square: who is still searched for, and which proposals are kept.
#include "attack/square.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <memory>

#include "attack/active_set.h"
#include "attack/square_proposal.h"

namespace selfgrad {
namespace {

/// Logits of points and of what is tried in place of them.
class Scorer {
 public:
  Scorer(Target& target, Norm norm)
      : target_(target), windows_(norm == Norm::kLinf ? target.windows() : nullptr) {}

  at::Tensor start(const at::Tensor& x) {
    return windows_ ? target_.counted(x.size(0), [&] { return windows_->start(x); }) : target_.logits(x);
  }

  /// `rows` (M): places of the tried images among those of `start`.
  at::Tensor score(const SquareProposal& tried, const at::Tensor& rows) {
    const at::Tensor& images = tried.images;
    if (!windows_) return target_.logits(images);
    return target_.counted(images.size(0), [&] { return windows_->logits(images, rows, tried.windows); });
  }

  /// The marked ones of what was scored last are the points from now on.
  void accept(const at::Tensor& chosen) {
    if (windows_) windows_->accept(chosen);
  }

 private:
  Target& target_;
  std::unique_ptr<WindowForward> windows_;
};

}  // namespace

AttackResult Square::run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                         const at::Tensor& indices, uint32_t round) const {
  const Threat& threat = options_.threat;
  const DrawKey key{target.seed(), Purpose::kAttackStart, round};
  AttackResult result{
      images.clone(), at::zeros({images.size(0)}, images.options().dtype(at::kBool)), {}, no_steps(images)};
  ActiveSet active(images.size(0), images.device());
  at::Tensor origin = images;
  at::Tensor y = labels;
  at::Tensor x = square_start(threat, key, indices, images);
  at::Tensor best;
  Scorer scorer(target, threat.norm);
  const int64_t before = restart_of(round) * options_.queries;
  const auto record = [&](const at::Tensor& logits, const at::Tensor& tried, int64_t query) {
    at::Tensor wrong = misclassified(logits, y).logical_and(active.alive());
    store_rows(result.adversarial, active.rows(), wrong, tried);
    store_rows(result.success, active.rows(), wrong, wrong);
    fill_rows(result.step, active.rows(), wrong, before + query);
    return wrong;
  };
  if (images.size(0) > 0) {
    const at::Tensor logits = scorer.start(x);
    best = margin(logits, y);
    active.leave(record(logits, x, 0), {&x, &origin, &y, &best});
  }
  for (int64_t query = 1; query < options_.queries && !active.empty(); ++query) {
    const int64_t side = square_side(threat.norm, square_share(options_.p_init, query - 1, options_.schedule),
                                     images.size(2), images.size(3));
    const at::Tensor rows = active.rows().cpu();
    const at::Tensor places = indices.index_select(0, rows);
    const SquareProposal tried = square_proposal(threat, key, places, query, side, origin, x);
    const at::Tensor logits = scorer.score(tried, rows);
    const at::Tensor reached = margin(logits, y);
    const at::Tensor better = reached > best;
    scorer.accept(better);
    x = where_rows(better, tried.images, x);
    best = at::where(better, reached, best);
    active.leave(record(logits, tried.images, query), {&x, &origin, &y, &best});
  }
  if (!active.empty()) store_rows(result.adversarial, active.rows(), active.alive(), x);
  return result;
}

}  // namespace selfgrad
