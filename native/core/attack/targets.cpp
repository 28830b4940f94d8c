// The label is masked, then the largest logits are taken.
#include "attack/targets.h"

#include <ATen/ops/scatter.h>
#include <ATen/ops/topk.h>

#include <algorithm>
#include <limits>

namespace selfgrad {

at::Tensor likeliest_wrong(const at::Tensor& logits, const at::Tensor& labels, int64_t count) {
  const at::Tensor others = logits.scatter(1, labels.unsqueeze(1), -std::numeric_limits<float>::infinity());
  return std::get<1>(others.topk(std::min(count, logits.size(1) - 1), 1));
}

}  // namespace selfgrad
