// A network as a list of layers (`model.layers`): its text form, which model files hold, and what follows
// from it without building anything: shapes, parameters, multiply-adds. Lists come from users and from
// files, so every number is bounded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "nn/layer_cost.h"

namespace selfgrad {

/// One entry; a kind reads the fields that are named for it, the others keep their defaults.
struct LayerSpec {
  enum class Kind {
    kConv,               ///< channels, kernel, stride, padding, groups, bias
    kNormActivation,     ///< BatchNorm and the network's activation
    kActivation,         ///< the network's activation
    kResidual,           ///< channels, blocks, stride: pre-activation basic blocks; the first has the stride
    kBottleneck,         ///< the same of pre-activation bottleneck blocks
    kMaxPool,            ///< kernel, stride, padding
    kAveragePool,        ///< kernel, stride, padding, which counts as zeros
    kGlobalAveragePool,  ///< (C, H, W) -> (C)
    kLinear,             ///< features, 0 for one a class; flattens its input in NCHW order
    kTap,                ///< place: where a self-gradient tap stands
  } kind = Kind::kConv;
  int64_t channels = 0, kernel = 1, stride = 1, padding = 0, groups = 1, bias = 0, blocks = 1;
  int64_t features = 0;
  std::string place;
};

/// `conv channels=16 kernel=3 stride=1 padding=1 bias=0; norm-activation; tap place=stem; …`
/// @throws Error("ERR_OPTION") naming the entry, `model.layers[3]`, for an unknown kind or field, a number
/// out of range, or more than 256 entries
std::vector<LayerSpec> parse_layers(const std::string& text);

/// The inverse.
std::string layers_text(const std::vector<LayerSpec>& layers);

/// Indices of the entries that have tensors, in order.
std::vector<size_t> entries_with_tensors(const std::vector<LayerSpec>& layers);

/// Places of its taps, in order.
std::vector<std::string> tap_places_of(const std::vector<LayerSpec>& layers);

/// One row an entry, for images of `shape`.
/// @throws Error("ERR_OPTION") naming the first entry that does not fit what the one before it gives, a tap
/// place that is taken, and a last shape that is not one logit a class
std::vector<LayerCost> infer_layers(const std::vector<LayerSpec>& layers, const ImageShape& shape,
                                    int64_t classes);

}  // namespace selfgrad
