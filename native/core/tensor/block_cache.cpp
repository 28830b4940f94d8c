#include "tensor/block_cache.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "kernels/switches.h"

namespace selfgrad {
namespace {

bool enabled() {
  static const bool on = kernels::enabled("block-cache");
  return on;
}

/// Stands before the data of every allocation.
struct alignas(64) Header {
  size_t size;  ///< of header and data for a large block, else 0
};

class BlockCache final : public c10::Allocator {
 public:
  at::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, release, at::Device(at::kCPU)};
    Header* header = bytes >= kSmallest ? take(rounded(bytes + sizeof(Header))) : small(bytes);
    void* data = header + 1;
    return {data, data, release, at::Device(at::kCPU)};
  }
  at::DeleterFnPtr raw_deleter() const override { return release; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  void enter() {
    const std::lock_guard lock(mutex_);
    if (guards_++ == 0) peak_ = in_use_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--guards_ == 0) shrink_to(0);
  }
  BlockCacheUse use() {
    const std::lock_guard lock(mutex_);
    return {static_cast<int64_t>(in_use_), static_cast<int64_t>(kept_), served_};
  }

  static BlockCache& instance() {
    // Never destroyed: tensors may be freed while the process ends.
    static auto* const cache = new BlockCache;
    return *cache;
  }

 private:
  static constexpr size_t kSmallest = size_t{1} << 16;

  /// Up to an eighth more, so that batches of slightly different sizes share blocks.
  static size_t rounded(size_t bytes) {
    const size_t step = std::bit_floor(bytes) / 8;
    return (bytes + step - 1) / step * step;
  }

  static Header* small(size_t bytes) { return new (c10::alloc_cpu(bytes + sizeof(Header))) Header{0}; }

  Header* take(size_t size) {
    {
      const std::lock_guard lock(mutex_);
      in_use_ += size;
      peak_ = std::max(peak_, in_use_);
      const auto found = by_size_.find(size);
      if (found != by_size_.end()) {
        Header* block = *found->second;
        forget(found);
        ++served_;
        return block;
      }
      shrink_to(room());
    }
    return new (fresh(size)) Header{size};
  }

  /// For c10::free_cpu. Large blocks come in large pages, where the system has them: fewer faults and fewer
  /// translations.
  static void* fresh(size_t size) {
#if defined(__linux__)
    constexpr size_t kHugePage = size_t{1} << 21;
    void* data = nullptr;
    if (size >= kHugePage && ::posix_memalign(&data, kHugePage, size) == 0) {
      ::madvise(data, size, MADV_HUGEPAGE);
      return data;
    }
#endif
    return c10::alloc_cpu(size);
  }

  static void release(void* data) {
    if (data == nullptr) return;
    Header* block = static_cast<Header*>(data) - 1;
    if (block->size == 0) return c10::free_cpu(block);
    instance().give_back(block);
  }
  void give_back(Header* block) {
    const std::lock_guard lock(mutex_);
    in_use_ -= block->size;
    if (guards_ == 0) return c10::free_cpu(block);
    oldest_first_.push_back(block);
    by_size_.emplace(block->size, std::prev(oldest_first_.end()));
    kept_ += block->size;
    shrink_to(room());
  }

  /// What may be kept beside what is in use.
  size_t room() const {
    const size_t most = peak_ + peak_ / 2;
    return most > in_use_ ? most - in_use_ : 0;
  }

  using BySize = std::multimap<size_t, std::list<Header*>::iterator>;
  void forget(BySize::iterator place) {
    kept_ -= place->first;
    oldest_first_.erase(place->second);
    by_size_.erase(place);
  }
  void shrink_to(size_t most) {
    while (kept_ > most) {
      Header* block = oldest_first_.front();
      // Blocks of one size stand in the order in which they came: the first of its size is the oldest.
      forget(by_size_.lower_bound(block->size));
      c10::free_cpu(block);
    }
  }

  std::mutex mutex_;
  int guards_ = 0;
  std::list<Header*> oldest_first_;
  BySize by_size_;
  size_t in_use_ = 0, kept_ = 0, peak_ = 0;
  int64_t served_ = 0;
};

// Before the first tensor of ours: what was allocated by one allocator must not be freed by the other.
[[maybe_unused]] const bool installed = [] {
  if (enabled()) c10::SetCPUAllocator(&BlockCache::instance(), /*priority=*/1);
  return true;
}();

}  // namespace

BlockCacheGuard::BlockCacheGuard() {
  BlockCache::instance().enter();
}
BlockCacheGuard::~BlockCacheGuard() {
  BlockCache::instance().leave();
}

BlockCacheUse block_cache_use() {
  return BlockCache::instance().use();
}

}  // namespace selfgrad
