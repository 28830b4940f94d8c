// A file's bytes as read-only memory: pages come when they are read and may go again, so what is mapped may
// be larger than memory, and processes that map one file share its pages.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace selfgrad {

/// What has more bytes than this is kept in files while it is used.
inline constexpr int64_t kMapAbove = int64_t{1} << 28;

class MappedFile {
 public:
  /// Maps the whole of an open file; the descriptor may be closed afterwards, the name may go.
  /// @throws Error("ERR_DATA") for what is no file, is empty or cannot be mapped.
  explicit MappedFile(int descriptor);
  explicit MappedFile(const std::string& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  uint64_t size() const { return size_; }
  const uint8_t* data() const { return static_cast<const uint8_t*>(data_); }

 private:
  void map(int descriptor);

  void* data_ = nullptr;
  uint64_t size_ = 0;
};

/// Elements of the file from byte `offset` as a tensor that keeps the file mapped; to be read only.
/// @throws Error("ERR_DATA") when the file holds fewer.
at::Tensor view_of(std::shared_ptr<const MappedFile> file, uint64_t offset, const std::vector<int64_t>& shape,
                   at::ScalarType type);

/// Asks the system to bring rows, (N) int64 on the CPU, of a mapped tensor (M, …) into memory, and returns at
/// once: a page that is first missed when it is read stops its reader, one page after the other.
void will_need(const at::Tensor& mapped, const at::Tensor& rows);

}  // namespace selfgrad
