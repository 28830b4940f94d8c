// The processes that train one network together: who is who, and what they tell each other. Over LibTorch's
// c10d: with Gloo between hosts, with NCCL between GPUs.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace selfgrad {

struct WorldOptions {
  int64_t rank = 0, size = 1;
  std::string host;      ///< of the store where the ranks find each other
  int64_t port = 0;      ///< of the store
  bool serves = false;   ///< this process is the store
  std::string address;   ///< of this machine, for the others; an address or a name
  std::string network;   ///< interface to use instead, such as eth0; empty = by address
  std::string attempt;   ///< ranks of one attempt meet; a store may have seen earlier ones
  double timeout = 300;  ///< seconds until a rank that does not come or answer counts as lost
};

/// What this rank has sent, and how long it has waited: for the network and for slower ranks. Sums over GPUs
/// count as sent, but the host does not wait for them.
struct Traffic {
  int64_t calls = 0, bytes = 0;  ///< bytes by each algorithm's formula, without headers
  double seconds = 0;
};

/// Rank r of a world of size W has the rows r, r + W, r + 2W, … of whatever is shared out: of a batch, of a
/// memory, of a tensor in a checkpoint. The first n of all rows are then the first of each rank.
///
/// Every rank makes the same calls in the same order. A world of one process answers at once, and leaves
/// tensors as they are. All throw Error("ERR_RANK") when another rank has ended or does not answer.
class World : public torch::CustomClassHolder {
 public:
  /// This process alone.
  World();
  /// Waits for the others. @throws Error("ERR_RENDEZVOUS") when they do not come in time, when two have one
  /// rank, or when they were told different sizes; Cancelled when `stop` is set.
  World(const WorldOptions& options, const std::atomic<bool>& stop);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int64_t rank() const { return rank_; }
  int64_t size() const { return size_; }
  bool alone() const { return size_ == 1; }
  const Traffic& traffic() const { return traffic_; }

  /// How many of `n` rows are this rank's.
  int64_t rows(int64_t n) const { return rows(n, rank_); }
  int64_t rows(int64_t n, int64_t rank) const { return (n - rank + size_ - 1) / size_; }
  /// This rank's rows of (N, …), a view.
  at::Tensor mine(const at::Tensor& all) const { return all.slice(0, rank_, all.size(0), size_); }

  /// Tensors on this GPU, a GPU of this rank alone, are summed by NCCL from now on; nothing for the CPU and
  /// for a rank that is alone. @throws Error("ERR_DEVICE") when the ranks' GPUs do not reach each other
  void use(at::Device device);
  /// @throws Error("ERR_RANK") when a rank is known to be lost: what GPUs exchanged last is then arbitrary.
  void check();

  /// Adds up over the ranks, in place: one message for all tensors, which have one type and device.
  void sum(const std::vector<at::Tensor>& tensors);
  /// The sums of the ranks' numbers.
  std::vector<double> sum(std::vector<double> numbers);
  /// What this rank's part is of the ranks' sum.
  double share(double part) { return part / sum(std::vector<double>{part})[0]; }
  /// The mean over the ranks of means over parts of these weights.
  double mean(double mean, double weight);
  /// Rank 0's values for all, in place.
  void broadcast(const at::Tensor& tensor);
  /// The whole (n, …) of the ranks' rows on rank 0, on the CPU unless alone; undefined on the others.
  at::Tensor gather(const at::Tensor& rows, int64_t n);
  /// The reverse: each rank's rows of rank 0's `all` on the CPU, which the others leave undefined; alone they
  /// are one.
  void scatter(const at::Tensor& all, const at::Tensor& rows);
  /// Every rank's text, by rank.
  std::vector<std::string> texts(const std::string& text);
  /// Sends `send[r]` of the rows (N, …) to rank r, those for rank 0 first, and returns what came: (M, …),
  /// rank 0's first, all on the CPU. `receive` is how many rows came from each; it is asked for where it is
  /// empty.
  at::Tensor exchange(const at::Tensor& rows, const std::vector<int64_t>& send,
                      std::vector<int64_t>& receive);

 private:
  struct Group;
  template <typename Call>
  void timed(int64_t bytes, const Call& call);
  void check_ranks(const WorldOptions& options, const std::atomic<bool>& stop);

  int64_t rank_ = 0, size_ = 1;
  Traffic traffic_;
  std::unique_ptr<Group> group_;  // null: alone
};

using WorldPtr = c10::intrusive_ptr<World>;

/// Between the rows that a rank works on and the ranks that keep them: row i of all is kept by rank i % size
/// at place i / size.
class RowExchange {
 public:
  /// `indices` (N) int64, of all rows: those that this rank works on.
  RowExchange(World& world, const at::Tensor& indices);

  /// (M) int64: places here of the rows that any rank works on.
  const at::Tensor& places() const { return places_; }
  /// (N, …), in the order of the indices -> (M, …), in the order of places().
  at::Tensor to_keepers(const at::Tensor& rows);
  /// (M, …) -> (N, …).
  at::Tensor from_keepers(const at::Tensor& rows);

 private:
  World& world_;
  at::Tensor order_;  // (N): indices by the ranks that keep them
  at::Tensor places_;
  std::vector<int64_t> kept_, asked_;  // rows of ours that each rank keeps; rows that it asks of us
};

}  // namespace selfgrad
