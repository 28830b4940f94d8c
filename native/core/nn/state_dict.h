// Weights that PyTorch code saved: a state_dict in safetensors, under the names of our architectures.
#pragma once

#include <memory>
#include <string>

#include "io/safetensors.h"
#include "nn/network.h"

namespace selfgrad {

/// The network of `options` with the file's weights as float32, in evaluation mode. Prefixes `module.` and
/// `model.` are taken off; channels and classes are read from the tensors; `sub_block1`, which TRADES
/// declares and never runs, is left out. Where `options` has no mean and std, the file's own are taken (`mu`
/// and `sigma`, `mean` and `std`, `normalize.mean` and `normalize.std`), else none. A preact-resnet without
/// `bn` is a preact-resnet-plain. Names of a list of layers are those of an nn.Sequential, whatever it is
/// called in its model: `2.weight`, `features.2.weight`. Its modules that have tensors are the list's, in
/// their order; others, such as an nn.ReLU behind an nn.BatchNorm2d, only count there. Classes are the length
/// of the last bias.
/// @throws Error("ERR_CHECKPOINT") listing tensors that are missing, unknown or of another shape, and when
/// both `options` and the file have a normalisation.
std::shared_ptr<Network> load_state_dict(const TensorFile& file, NetworkOptions options,
                                         const std::string& path);

}  // namespace selfgrad
