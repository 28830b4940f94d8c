// A file without a name: what does not fit in memory lies in it while it is needed, and vanishes with the
// process however that ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace selfgrad {

/// Every method throws Error("ERR_WRITE") when the device is full or the folder cannot be written.
class ScratchFile {
 public:
  explicit ScratchFile(std::string folder);
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile();

  /// Appends bytes.
  void write(const void* bytes, size_t count);
  /// Bytes that were written, from `offset`.
  void read(void* bytes, size_t count, uint64_t offset) const;

 private:
  std::string folder_;
  int descriptor_ = -1;
};

}  // namespace selfgrad
