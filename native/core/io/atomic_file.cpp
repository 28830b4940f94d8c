// POSIX calls, because C++ streams neither sync nor say why a write failed.
#include "io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "error.h"

namespace selfgrad {

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  // The counter separates the threads of a process; EEXIST is what a crash of an equal pid left behind.
  static std::atomic<uint64_t> counter{0};
  do {
    temporary_ = path_ + "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) refuse_write(path_, errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void refuse_write(const std::string& place, int cause) {
  const std::string reason = std::strerror(cause);
  if (cause == ENOSPC || cause == EDQUOT || cause == EFBIG) {
    throw Error("ERR_WRITE", "Expected room to write " + place + " but the device is full (" + reason +
                                 "). Free some space or choose another folder.");
  }
  throw Error("ERR_WRITE", "Expected to write " + place + " but received an error (" + reason +
                               "). Choose a folder that exists and that you may write to.");
}

void write_fully(int descriptor, const void* bytes, size_t count, const std::string& place) {
  const auto* next = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(descriptor, next, std::min(count, size_t{1} << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse_write(place, errno);
    next += written;
    count -= static_cast<size_t>(written);
  }
}

void AtomicFile::write(const void* bytes, size_t count) {
  write_fully(descriptor_, bytes, count, path_);
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) refuse_write(path_, errno);
  const int closing = std::exchange(descriptor_, -1);
  if (::close(closing) != 0) refuse_write(path_, errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) refuse_write(path_, errno);
  temporary_.clear();
  // The rename itself survives a power cut only when the folder is synced; some file systems cannot, which
  // makes the file no less whole.
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

}  // namespace selfgrad
