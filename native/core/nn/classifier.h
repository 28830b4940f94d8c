// What measurements take: anything that maps pixels to logits, whoever made it.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "data/dataset.h"
#include "nn/layer_graph.h"
#include "nn/window_forward.h"

namespace selfgrad {

class Classifier {
 public:
  Classifier() = default;
  Classifier(const Classifier&) = delete;
  Classifier& operator=(const Classifier&) = delete;
  virtual ~Classifier() = default;

  /// (N, C, H, W) float32 in [0, 1] -> (N, classes) float32 logits; with a graph back to images that require
  /// gradients. A classifier that waits for another thread throws Cancelled once `stop` is set.
  virtual at::Tensor logits(const at::Tensor& images, const std::atomic<bool>& stop) = 0;

  /// Where its weights are, and so where it wants its images.
  virtual at::Device device() const { return at::kCPU; }
  /// Moves the weights. @throws Error("ERR_OPTION") where they cannot leave the CPU.
  virtual void move_to(at::Device device);

  /// Whether each pass is the same work, whatever the images: no branch, no draw, no look at a value.
  virtual bool repeats() const { return false; }

  /// Of the images that it takes.
  virtual ImageShape shape() const = 0;
  virtual int64_t classes() const = 0;
  /// 0 where it is not known.
  virtual int64_t parameter_count() const = 0;

  /// The layers, for bounds. @throws Error("ERR_OPTION") where they are not known.
  virtual LayerGraph layer_graph() const;

  /// Logits of images that change in small windows, by the present weights in evaluation mode; null where
  /// there is no faster way than `logits`.
  virtual std::unique_ptr<WindowForward> window_forward() const { return nullptr; }
};

}  // namespace selfgrad
