// The loops over targets and restarts, and the step along the boundary.
#include "attack/fab.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/sum.h>

#include <limits>
#include <vector>

#include "attack/active_set.h"
#include "attack/boundary.h"
#include "attack/box_hyperplane.h"
#include "attack/targets.h"

namespace selfgrad {
namespace {

// The paper's names and values; AutoAttack's too.
constexpr double kAlphaMax = 0.1;  ///< largest weight of the image's own projection
constexpr double kEta = 1.05;      ///< overshoot beyond the boundary
constexpr double kBeta = 0.9;      ///< what is kept of a perturbation that fools
constexpr double kSmallestNorm = 1e-8;

/// The next iterate: beyond the hyperplane <normal, .> = <normal, x> + gap, near x and the image. gap (N).
at::Tensor step_beyond(Norm norm, const at::Tensor& images, const at::Tensor& x, const at::Tensor& normal,
                       const at::Tensor& gap) {
  const at::Tensor way = (normal * (x - images)).sum({1, 2, 3});
  const at::Tensor from_x = shortest_to_hyperplane(norm, x, normal, gap);
  const at::Tensor from_image = shortest_to_hyperplane(norm, images, normal, gap + way);
  const at::Tensor size_from_x = perturbation_norm(norm, from_x).clamp_min(kSmallestNorm);
  const at::Tensor size_from_image = perturbation_norm(norm, from_image).clamp_min(kSmallestNorm);
  const at::Tensor alpha =
      (size_from_x / (size_from_x + size_from_image)).clamp_max(kAlphaMax).view({-1, 1, 1, 1});
  return ((1.0 - alpha) * (x + kEta * from_x) + alpha * (images + kEta * from_image)).clamp(0, 1);
}

/// The images that are still attacked, row by row, and the nearest misclassified image of each of the batch.
class Search {
 public:
  /// aims (N, T) int64: the wrong classes to aim at.
  Search(const AttackOptions& options, Target& target, const at::Tensor& images, const at::Tensor& labels,
         const at::Tensor& aims)
      : options_(options),
        target_(target),
        images_(images),
        labels_(labels),
        aims_(aims),
        active_(images.size(0), images.device()),
        adversarial_(images.clone()),
        distance_(at::full({images.size(0)}, std::numeric_limits<double>::infinity(), images.options())),
        steps_(no_steps(images)) {}

  bool over() const { return active_.empty(); }
  /// Of those that are still attacked: (M, C, H, W), and (M) int64 on the CPU, their places in the batch.
  const at::Tensor& images() const { return images_; }
  at::Tensor rows() const { return active_.rows().cpu(); }

  /// One descent from x (M, C, H, W), after `before` steps of others, in each step towards the nearest of
  /// `count` aims from `first` on.
  void descend(int64_t before, at::Tensor x, int64_t first, int64_t count) {
    Boundary boundary;
    // The pass that tells who is misclassified by a step is that of the next one's boundary too, for all that
    // are not pulled back. Where most are, it would be a boundary for nothing.
    bool ahead = false, few_fooled = true;
    const int64_t end = before + options_.steps;
    const auto boundary_at = [&](const at::Tensor& points) {
      return nearest_boundary(target_, options_.threat.norm, points, labels_, aims_.narrow(1, first, count));
    };
    for (int64_t step = before; step < end; ++step) {
      if (!ahead) boundary = boundary_at(x);
      at::Tensor wrong = update(x, boundary.logits, step);
      leave({&x, &boundary.lead, &boundary.normal});
      if (over()) return;
      x = step_beyond(options_.threat.norm, images_, x, boundary.normal, -boundary.lead);
      ahead = few_fooled && step + 1 < end;
      if (ahead) boundary = boundary_at(x);
      wrong = update(x, ahead ? boundary.logits : target_.logits(x), step + 1);
      leave({&x, &wrong, &boundary.lead, &boundary.normal, &boundary.distance, &boundary.logits});
      if (over()) return;
      x = where_rows(wrong, images_ + kBeta * (x - images_), x);
      const at::Tensor fooled = wrong.nonzero().squeeze(1);
      few_fooled = 2 * fooled.size(0) < x.size(0);
      if (!ahead || fooled.size(0) == 0) continue;
      boundary.put(fooled, nearest_boundary(target_, options_.threat.norm, select_rows(x, fooled),
                                            labels_.index_select(0, fooled),
                                            aims_.narrow(1, first, count).index_select(0, fooled)));
    }
  }

  AttackResult result() const {
    // What leaves early is not the nearest.
    const at::Tensor distance = options_.stop_within_eps ? at::Tensor() : distance_;
    return {adversarial_, distance_ <= options_.threat.eps, distance, steps_};
  }

 private:
  /// Takes the iterates x after `step` steps that their logits show to be misclassified and nearer; returns
  /// the misclassified.
  at::Tensor update(const at::Tensor& x, const at::Tensor& logits, int64_t step) {
    at::Tensor wrong = misclassified(logits, labels_);
    const at::Tensor size = perturbation_norm(options_.threat.norm, x - images_);
    const at::Tensor nearer =
        wrong.logical_and(active_.alive()).logical_and(size < distance_.index_select(0, active_.rows()));
    store_rows(adversarial_, active_.rows(), nearer, x);
    store_rows(distance_, active_.rows(), nearer, size);
    fill_rows(steps_, active_.rows(), nearer, step);
    return wrong;
  }

  /// Takes out whoever is broken, where the distance is not wanted; with the rows of `state`.
  void leave(std::vector<at::Tensor*> state) {
    if (!options_.stop_within_eps) return;
    state.insert(state.end(), {&images_, &labels_, &aims_});
    active_.leave(distance_.index_select(0, active_.rows()) <= options_.threat.eps, state);
  }

  const AttackOptions& options_;
  Target& target_;
  at::Tensor images_, labels_, aims_;
  ActiveSet active_;
  at::Tensor adversarial_, distance_, steps_;
};

}  // namespace

AttackResult Fab::run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                      const at::Tensor& indices, uint32_t round) const {
  const Threat& threat = options_.threat;
  const at::Tensor logits = target.logits(images);
  const bool each = aim_ == FabAim::kEachInTurn;
  const at::Tensor aims = likeliest_wrong(logits, labels, each ? options_.targets : logits.size(1));
  const int64_t at_once = each ? 1 : aims.size(1);
  Search search(options_, target, images, labels, aims);
  for (int64_t first = 0, descents = 0; first < aims.size(1); first += at_once) {
    for (int64_t restart = 0; restart < options_.restarts && !search.over(); ++restart, ++descents) {
      at::Tensor start = search.images();
      if (restart > 0) {
        const DrawKey key{target.seed(), Purpose::kAttackStart, round + static_cast<uint32_t>(descents)};
        const at::Tensor noise =
            random_surface_start({threat.norm, threat.eps / 2}, key, indices.index_select(0, search.rows()),
                                 images.sizes().slice(1), images.device());
        start = (start + noise).clamp(0, 1);
      }
      search.descend(descents * options_.steps, start, first, at_once);
    }
  }
  return search.result();
}

}  // namespace selfgrad
