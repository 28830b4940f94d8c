// Which wrong classes a targeted attack aims at.
#pragma once

#include <ATen/core/Tensor.h>

namespace selfgrad {

/// The `count` wrong classes of largest logit, or all of them where the network has fewer: (N, K) and (N)
/// int64 -> (N, T) int64, descending.
at::Tensor likeliest_wrong(const at::Tensor& logits, const at::Tensor& labels, int64_t count);

}  // namespace selfgrad
