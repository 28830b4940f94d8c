// The images of a batch that an attack still works on. Those that are done leave at once; the tensors shrink
// when enough have left to pay for the copy.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

namespace selfgrad {

class ActiveSet {
 public:
  ActiveSet(int64_t count, at::Device device);

  /// (M) int64: where the rows of the compacted tensors lie in the batch.
  const at::Tensor& rows() const { return rows_; }
  /// (M) bool: rows that have not left. The others must not write results any more.
  const at::Tensor& alive() const { return alive_; }
  /// As of the last `drop`.
  bool empty() const { return count_ == 0; }

  /// Takes the rows of `done` (M) bool out; the host does not wait.
  void mark(const at::Tensor& done);
  /// When at least an eighth of the rows has left since the last time, drops them from `tensors` (M, …) too;
  /// each keeps its memory format. True where it did so: the tensors are others now.
  bool drop(at::ArrayRef<at::Tensor*> tensors);
  /// Both.
  void leave(const at::Tensor& done, at::ArrayRef<at::Tensor*> tensors);

 private:
  at::Tensor rows_, alive_;
  int64_t count_;
};

/// Rows of x (N, …) by (M) int64, in the memory format of x.
at::Tensor select_rows(const at::Tensor& x, const at::Tensor& rows);

/// Rows of `yes` where `rows` (N) bool, else of `no`; both (N, C, H, W).
at::Tensor where_rows(const at::Tensor& rows, const at::Tensor& yes, const at::Tensor& no);

/// out[rows[i]] = values[i] wherever chosen[i]; chosen (M) bool.
void store_rows(at::Tensor& out, const at::Tensor& rows, const at::Tensor& chosen, const at::Tensor& values);

/// out[rows[i]] = value wherever chosen[i]; out (N), chosen (M) bool.
void fill_rows(at::Tensor& out, const at::Tensor& rows, const at::Tensor& chosen, int64_t value);

}  // namespace selfgrad
