// A TorchScript file as a classifier. Such a file is a program: whoever loads it runs it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/classifier.h"

namespace selfgrad {

/// What a TorchScript file does not say of itself.
struct ScriptOptions {
  ImageShape shape;               ///< of the images that it takes
  std::vector<double> mean, std;  ///< per channel, [0, 1] units: what it expects taken off and divided by
};

/// Loads a file of torch.jit.save on the CPU, in evaluation mode and float32, its weights without gradients,
/// and reads the number of classes from its answer to two grey images.
/// @throws Error("ERR_CHECKPOINT") for a file that is damaged, no TorchScript, or does not map such images to
/// logits (N, classes).
std::shared_ptr<Classifier> load_script(const std::string& path, const ScriptOptions& options);

}  // namespace selfgrad
