// Replacing a file so that a reader, a crash or a full disk never meets half of it.
#pragma once

#include <cstddef>
#include <string>

namespace selfgrad {

/// A file written beside `path` and renamed over it by `commit`; without commit it vanishes, the old file
/// stays. Every method throws Error("ERR_WRITE") when the device is full or the folder cannot be written.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(const void* bytes, size_t count);
  /// Where the bytes are until `commit`: a name of its own, beside `path`.
  const std::string& temporary() const { return temporary_; }
  /// Syncs the file, renames it and syncs its folder.
  void commit();

 private:
  std::string path_, temporary_;
  int descriptor_ = -1;
};

/// Writes all bytes, however the system splits them. @throws Error("ERR_WRITE") naming `place`.
void write_fully(int descriptor, const void* bytes, size_t count, const std::string& place);

/// The sentence for a failure to write. @param cause errno
[[noreturn]] void refuse_write(const std::string& place, int cause);

}  // namespace selfgrad
