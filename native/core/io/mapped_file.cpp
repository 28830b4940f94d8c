#include "io/mapped_file.h"

#include <ATen/ops/from_blob.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "error.h"

namespace selfgrad {

MappedFile::MappedFile(int descriptor) {
  map(descriptor);
}

MappedFile::MappedFile(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  try {
    map(descriptor);
  } catch (const Error&) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
}

void MappedFile::map(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < 1)
    throw Error("ERR_DATA", "Expected a file with content to map into memory but received another.");
  size_ = static_cast<uint64_t>(status.st_size);
  data_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
  if (data_ == MAP_FAILED)  // NOLINT(performance-no-int-to-ptr)
    throw Error("ERR_DATA", "Expected to map a file of " + std::to_string(size_) +
                                " bytes into memory but received an error (" + std::strerror(errno) +
                                "). A limit on address space (ulimit -v) must leave room for it.");
}

MappedFile::~MappedFile() {
  ::munmap(data_, size_);
}

at::Tensor view_of(std::shared_ptr<const MappedFile> file, uint64_t offset, const std::vector<int64_t>& shape,
                   at::ScalarType type) {
  uint64_t bytes = at::elementSize(type);
  bool fits = true;
  for (const int64_t length : shape)
    fits = fits && length >= 0 && !__builtin_mul_overflow(bytes, static_cast<uint64_t>(length), &bytes);
  if (!fits || offset > file->size() || bytes > file->size() - offset)
    throw Error("ERR_DATA", "Expected a file that holds all that is mapped but received one of " +
                                std::to_string(file->size()) + " bytes.");
  // ATen knows no constant memory; pages without the right to write end any attempt.
  auto* begin = const_cast<uint8_t*>(file->data() + offset);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  return at::from_blob(
      begin, shape, [file = std::move(file)](void*) {}, at::TensorOptions().dtype(type));
}

void will_need(const at::Tensor& mapped, const at::Tensor& rows) {
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto* begin = static_cast<char*>(mapped.data_ptr());
  const int64_t bytes = mapped.stride(0) * mapped.element_size();
  const auto* row = rows.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < rows.size(0); ++i) {
    char* first = begin + row[i] * bytes;
    const uintptr_t before = reinterpret_cast<uintptr_t>(first) % page;
    // It is advice: where it is refused the pages come when they are read.
    ::madvise(first - before, before + static_cast<uintptr_t>(bytes), MADV_WILLNEED);
  }
}

}  // namespace selfgrad
