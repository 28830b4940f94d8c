#include "io/scratch_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "io/atomic_file.h"

namespace selfgrad {

ScratchFile::ScratchFile(std::string folder) : folder_(std::move(folder)) {
  std::string name = (std::filesystem::path(folder_) / "selfgrad-XXXXXX").string();
  descriptor_ = ::mkstemp(name.data());
  if (descriptor_ < 0) refuse_write("a file of " + folder_, errno);
  ::unlink(name.c_str());
}

ScratchFile::~ScratchFile() {
  ::close(descriptor_);
}

void ScratchFile::write(const void* bytes, size_t count) {
  write_fully(descriptor_, bytes, count, "a file of " + folder_);
}

void ScratchFile::read(void* bytes, size_t count, uint64_t offset) const {
  auto* next = static_cast<char*>(bytes);
  while (count > 0) {
    const ssize_t got = ::pread(descriptor_, next, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) refuse_write("a file of " + folder_, got < 0 ? errno : EIO);
    next += got;
    offset += static_cast<uint64_t>(got);
    count -= static_cast<size_t>(got);
  }
}

}  // namespace selfgrad
