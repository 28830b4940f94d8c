// Runs the diagnostics batch by batch, then the certificates, and joins their columns.
#include "stability/stability.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "error.h"
#include "evaluate/driver.h"
#include "tensor/upload.h"

namespace selfgrad {
namespace {

// Rows of linear bounds grow with the classes: fewer images at once keep them in the cache.
constexpr int64_t kCertifyBatch = 16;

class Analysis {
 public:
  Analysis(Classifier& classifier, const Dataset& data, const StabilityOptions& options,
           const std::atomic<bool>& stop, const StabilityObserver& observer)
      : classifier_(classifier),
        data_(data),
        options_(options),
        stop_(stop),
        observer_(observer),
        target_([&classifier, &stop](const at::Tensor& x) { return classifier.logits(x, stop); },
                options.seed, stop) {}

  StabilityResult run() {
    const auto begin = std::chrono::steady_clock::now();
    for_each_batch(at::arange(options_.count, at::kLong), options_.batch_size,
                   [&](const at::Tensor& indices, int64_t batch) {
                     target_.set_place("batch " + std::to_string(batch) + " of the stability analysis");
                     diagnose(indices);
                     observer_({false, done_ += indices.size(0), options_.count});
                   });
    certify_images();
    for (auto& [name, parts] : columns_)
      result_.images[name] = at::cat(parts);
    check_certificates();
    for (LossProfile& profile : result_.profiles) {
      for (auto* sums : {&profile.loss, &profile.accuracy})
        for (double& sum : *sums)
          sum /= static_cast<double>(options_.count);
    }
    result_.count = options_.count;
    result_.passes = target_.passes();
    result_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return std::move(result_);
  }

 private:
  StabilityBatch batch_of(const at::Tensor& indices) {
    return {target_, options_.threat, upload(data_.images(indices), options_.device),
            upload(data_.labels(indices), options_.device), indices};
  }

  void diagnose(const at::Tensor& indices) {
    StabilityBatch batch = batch_of(indices);
    keep(gradient_norms(batch));
    const Ascent ascent = ascend(batch, options_.steps, options_.alpha);
    keep(adversary_quality(batch, ascent));
    keep(linearity(batch, ascent, options_.random_points));
    keep(agreement(batch));
    keep(curvature(batch, options_.iterations));
    keep(margin_radius(batch));
    keep(gradient_error(batch));
    add(loss_profile(batch, ascent, options_.multiples));
    target_.settle();
  }

  void certify_images() {
    if (options_.certify.count == 0) return;
    const LayerGraph graph = classifier_.layer_graph();
    const at::NoGradGuard no_grad;
    int64_t done = 0;
    const int64_t total = std::min(options_.certify.count, options_.count);
    for_each_batch(at::arange(total, at::kLong), kCertifyBatch, [&](const at::Tensor& indices, int64_t) {
      const StabilityBatch batch = batch_of(indices);
      // Bounds are float64, computed on the CPU.
      const Certificates certificates =
          certify(graph, batch.images.cpu(), batch.labels.cpu(), target_.logits(batch.images).cpu(),
                  options_.threat, options_.certify, stop_);
      keep({{"certified", column(certificates.certified)},
            {"certified_margin", column(certificates.margin)},
            {"certified_radius", column(certificates.radius)}});
      observer_({true, done += indices.size(0), total});
    });
  }

  /// A floor above the ceiling would be a defect of selfgrad.
  void check_certificates() const {
    const auto certified = result_.images.find("certified");
    if (certified == result_.images.end()) return;
    const at::Tensor attacked = result_.images.at("attacked").narrow(0, 0, certified->second.size(0));
    const auto broken = (certified->second > attacked).sum().item<int64_t>();
    if (broken > 0) {
      throw Error("ERR_NATIVE", "Expected no attack to break a certified image but received " +
                                    std::to_string(broken) + " such images.");
    }
  }

  void keep(const Columns& columns) {
    for (const auto& [name, values] : columns)
      columns_[name].push_back(values);
  }

  void add(std::vector<LossProfile> profiles) {
    if (result_.profiles.empty()) {
      result_.profiles = std::move(profiles);
      return;
    }
    for (size_t p = 0; p < profiles.size(); ++p) {
      for (size_t k = 0; k < profiles[p].loss.size(); ++k) {
        result_.profiles[p].loss[k] += profiles[p].loss[k];
        result_.profiles[p].accuracy[k] += profiles[p].accuracy[k];
      }
    }
  }

  Classifier& classifier_;
  const Dataset& data_;
  const StabilityOptions& options_;
  const std::atomic<bool>& stop_;
  const StabilityObserver& observer_;
  Target target_;
  int64_t done_ = 0;
  std::map<std::string, std::vector<at::Tensor>> columns_;
  StabilityResult result_;
};

}  // namespace

StabilityResult stability(Classifier& classifier, const Dataset& data, const StabilityOptions& options,
                          const std::atomic<bool>& stop, const StabilityObserver& observer) {
  return Analysis(classifier, data, options, stop, observer).run();
}

}  // namespace selfgrad
