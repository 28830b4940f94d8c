// The architectures, one file each; network.cpp finds them by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/network.h"

namespace selfgrad {

/// PreAct ResNet (He et al. 2016, arXiv 1603.05027) for small images, basic blocks, final BatchNorm; names as
/// in the PyTorch code that robustness papers share (conv1, layer1.0.bn1 …, bn, linear). Stage s > 1 halves
/// the size.
std::shared_ptr<Network> make_preact_resnet(const NetworkOptions& options);

/// The same without the final BatchNorm and its activation, and with projected shortcuts that start at a
/// block's input: the form of Fast adversarial training (Wong et al. 2020, arXiv 2001.03994) and of
/// GradAlign.
std::shared_ptr<Network> make_preact_resnet_plain(const NetworkOptions& options);

/// Wide ResNet (Zagoruyko & Komodakis 2016, arXiv 1605.07146); names as in the TRADES code
/// (block1.layer.0.bn1 …). `width` is the widening factor; three stages.
std::shared_ptr<Network> make_wide_resnet(const NetworkOptions& options);

/// Two strided convolutions and two linear layers (the small MNIST network of Wong & Kolter 2018, arXiv
/// 1711.00851, with `width` instead of 16 filters first).
std::shared_ptr<Network> make_small_cnn(const NetworkOptions& options);

/// What `options.layers` lists.
std::shared_ptr<Network> make_custom_network(const NetworkOptions& options);

/// The places of taps that a network of these options has, in the order of the forward pass.
std::vector<std::string> tap_places(const NetworkOptions& options);

}  // namespace selfgrad
