// The adversarial images of an evaluation as a file that any program reads.
#pragma once

#include <string>

#include "data/dataset.h"
#include "evaluate/evaluator.h"
#include "io/safetensors.h"

namespace selfgrad {

/// Writes `path`, atomically, with a checksum. For M broken images, in their order: `images` (M, C, H, W)
/// float32 in [0, 1], adversarial; `originals` (M, C, H, W) uint8; and (M) int64 `labels`, `indices` (in the
/// split) and `attacks` (place in the list of the attack that broke the image first). `result` must be one
/// with keep_images, `first` the index of its first image in `data`. @throws Error("ERR_WRITE") as
/// write_safetensors.
void save_images(const std::string& path, const Metadata& metadata, const Dataset& data, int64_t first,
                 const EvaluateResult& result);

}  // namespace selfgrad
