// Bookkeeping of who is still under attack.
#include "attack/active_set.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/index_fill.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/masked_fill.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>

#include <vector>

namespace selfgrad {

at::Tensor select_rows(const at::Tensor& x, const at::Tensor& rows) {
  return x.index_select(0, rows).contiguous(x.suggest_memory_format());
}

at::Tensor where_rows(const at::Tensor& rows, const at::Tensor& yes, const at::Tensor& no) {
  return at::where(rows.view({-1, 1, 1, 1}), yes, no);
}

void store_rows(at::Tensor& out, const at::Tensor& rows, const at::Tensor& chosen, const at::Tensor& values) {
  if (out.is_cuda()) {
    // All rows, the others as they are: to count the chosen ones the host would have to wait.
    const at::Tensor present = out.index_select(0, rows);
    std::vector<int64_t> shape(static_cast<size_t>(out.dim()), 1);
    shape[0] = chosen.size(0);
    out.index_copy_(0, rows, at::where(chosen.view(shape), values, present));
    return;
  }
  const at::Tensor places = chosen.nonzero().squeeze(1);
  if (places.size(0) == 0) return;
  out.index_copy_(0, rows.index_select(0, places), values.index_select(0, places));
}

void fill_rows(at::Tensor& out, const at::Tensor& rows, const at::Tensor& chosen, int64_t value) {
  if (out.is_cuda()) {
    out.index_copy_(0, rows, out.index_select(0, rows).masked_fill(chosen, value));
    return;
  }
  out.index_fill_(0, rows.index_select(0, chosen.nonzero().squeeze(1)), value);
}

ActiveSet::ActiveSet(int64_t count, at::Device device)
    : rows_(at::arange(count, at::TensorOptions().dtype(at::kLong).device(device))),
      alive_(at::ones({count}, at::TensorOptions().dtype(at::kBool).device(device))),
      count_(count) {}

void ActiveSet::mark(const at::Tensor& done) {
  alive_.logical_and_(done.logical_not());
}

bool ActiveSet::drop(at::ArrayRef<at::Tensor*> tensors) {
  count_ = alive_.sum().item<int64_t>();
  if (count_ == 0 || 8 * (rows_.size(0) - count_) < rows_.size(0)) return false;
  const at::Tensor places = alive_.nonzero().squeeze(1);
  for (at::Tensor* tensor : tensors)
    *tensor = select_rows(*tensor, places);
  rows_ = rows_.index_select(0, places);
  alive_ = alive_.index_select(0, places);
  return true;
}

void ActiveSet::leave(const at::Tensor& done, at::ArrayRef<at::Tensor*> tensors) {
  mark(done);
  drop(tensors);
}

}  // namespace selfgrad
