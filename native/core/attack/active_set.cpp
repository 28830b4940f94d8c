// Bookkeeping of who is still under attack.
#include "attack/active_set.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/index_fill.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>

namespace selfgrad {

at::Tensor select_rows(const at::Tensor& x, const at::Tensor& rows) {
  return x.index_select(0, rows).contiguous(x.suggest_memory_format());
}

at::Tensor where_rows(const at::Tensor& rows, const at::Tensor& yes, const at::Tensor& no) {
  return at::where(rows.view({-1, 1, 1, 1}), yes, no);
}

void store_rows(at::Tensor& out, const at::Tensor& rows, const at::Tensor& chosen, const at::Tensor& values) {
  const at::Tensor places = chosen.nonzero().squeeze(1);
  if (places.size(0) == 0) return;
  out.index_copy_(0, rows.index_select(0, places), values.index_select(0, places));
}

void fill_rows(at::Tensor& out, const at::Tensor& rows, const at::Tensor& chosen, int64_t value) {
  out.index_fill_(0, rows.index_select(0, chosen.nonzero().squeeze(1)), value);
}

ActiveSet::ActiveSet(int64_t count, at::Device device)
    : rows_(at::arange(count, at::TensorOptions().dtype(at::kLong).device(device))),
      alive_(at::ones({count}, at::TensorOptions().dtype(at::kBool).device(device))),
      count_(count) {}

void ActiveSet::leave(const at::Tensor& done, at::ArrayRef<at::Tensor*> tensors) {
  alive_ = alive_.logical_and(done.logical_not());
  count_ = alive_.sum().item<int64_t>();
  if (count_ == 0 || 8 * (rows_.size(0) - count_) < rows_.size(0)) return;
  const at::Tensor places = alive_.nonzero().squeeze(1);
  for (at::Tensor* tensor : tensors)
    *tensor = select_rows(*tensor, places);
  rows_ = rows_.index_select(0, places);
  alive_ = alive_.index_select(0, places);
}

}  // namespace selfgrad
