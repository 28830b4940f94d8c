// Reading safetensors files: sizes are compared with what the file holds before anything is allocated.
#include "io/safetensors.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include "error.h"
#include "io/checksum.h"
#include "io/dtype.h"
#include "io/header_json.h"
#include "io/mapped_file.h"

namespace selfgrad {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors payloads are little-endian");

constexpr uint64_t kMaxHeaderBytes = 100'000'000;

[[noreturn]] void refuse_file(const std::string& path, const std::string& received, const std::string& fix) {
  throw Error("ERR_CHECKPOINT",
              "Expected a safetensors file at " + path + " but received " + received + ". " + fix);
}

/// A file whose header is read and checked; the stream stands at the first payload byte.
struct OpenFile {
  std::ifstream stream;
  TensorFileHeader header;
  std::string json;
  uint64_t payload_at = 0;
};

void read_bytes(std::ifstream& stream, void* out, uint64_t count, const std::string& path) {
  stream.read(static_cast<char*>(out), static_cast<std::streamsize>(count));
  if (!stream) refuse_file(path, "an end too early", "The file is cut, or is being written.");
}

OpenFile open_file(const std::string& path) {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status)) refuse_file(path, "no file", "Check the path.");
  if (!std::filesystem::is_regular_file(status)) refuse_file(path, "no regular file", "Name a file.");
  const uint64_t size = std::filesystem::file_size(path, failure);
  OpenFile file;
  errno = 0;
  file.stream.open(path, std::ios::binary);
  if (failure || !file.stream) {
    refuse_file(path, std::string("an unreadable one (") + std::strerror(errno) + ")",
                "Check its permissions.");
  }
  uint64_t length = 0;
  if (size < sizeof(length)) {
    refuse_file(path, std::to_string(size) + " bytes", "The file is cut or of another format.");
  }
  read_bytes(file.stream, &length, sizeof(length), path);
  if (length > kMaxHeaderBytes || length > size - sizeof(length)) {
    refuse_file(path, "a header of " + std::to_string(length) + " bytes in a file of " + std::to_string(size),
                "The file is cut or of another format.");
  }
  std::string json(length, '\0');
  read_bytes(file.stream, json.data(), length, path);
  file.payload_at = sizeof(length) + length;
  file.header = parse_safetensors_header(json.data(), json.size(), size - file.payload_at, path);
  file.json = std::move(json);
  return file;
}

/// Compares the file with the checksum that it was written with, if it was.
void verify(std::string header, const TensorFile& file, const std::string& path) {
  const auto entry = file.metadata.find(kChecksumKey);
  if (entry == file.metadata.end()) return;
  const std::string& written = entry->second;
  const size_t place = find_checksum(header);
  if (place != std::string::npos) header.replace(place, written.size(), written.size(), '0');
  Checksum checksum;
  checksum.add(header.data(), header.size());
  for (const auto& [name, tensor] : file.tensors)
    checksum.add(tensor.data_ptr(), tensor.nbytes());
  if (checksum.text() == written) return;
  refuse_file(path,
              "other bytes than were written (checksum " + checksum.text() + " instead of " + written + ")",
              "The file is damaged: use a copy. If another program changed it on purpose, drop " +
                  std::string(kChecksumKey) + " from its metadata.");
}

at::Tensor read_tensor(OpenFile& file, const TensorInfo& info, const std::string& path, int64_t map_above) {
  const auto type = dtype_from_name(info.dtype);
  if (!type) {
    refuse_file(path, "tensor " + json_string(info.name) + " of type " + json_string(info.dtype),
                "Types F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL can be read.");
  }
  const uint64_t bytes = info.end - info.begin;
  const uint64_t begin = file.payload_at + info.begin;
  at::Tensor tensor;
  if (bytes > static_cast<uint64_t>(map_above) && begin % at::elementSize(*type) == 0) {
    // Where it lies: the memory of a strategy may be as large as a set of images that does not fit.
    tensor = view_of(std::make_shared<MappedFile>(path), begin, info.shape, *type);
    file.stream.seekg(static_cast<std::streamoff>(begin + bytes));
  } else {
    tensor = at::empty(info.shape, at::TensorOptions().dtype(*type));
    if (bytes == 0) return tensor;
    read_bytes(file.stream, tensor.data_ptr(), bytes, path);
  }
  const auto* values = static_cast<const uint8_t*>(tensor.data_ptr());
  if (*type == at::kBool && std::any_of(values, values + bytes, [](uint8_t value) { return value > 1; })) {
    refuse_file(path, "a byte above 1 in tensor " + json_string(info.name) + " of type BOOL",
                "The file is damaged.");
  }
  return tensor;
}

}  // namespace

const at::Tensor& TensorFile::at(const std::string& name) const {
  for (const auto& [key, tensor] : tensors) {
    if (key == name) return tensor;
  }
  throw Error("ERR_CHECKPOINT", "Expected tensor " + json_string(name) +
                                    " in the checkpoint but received a file without it. Choose a file that "
                                    "this version of selfgrad wrote.");
}

bool TensorFile::has(const std::string& name) const {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& entry) { return entry.first == name; });
}

size_t find_checksum(const std::string& header) {
  const std::string before = json_string(kChecksumKey) + ":\"";
  const size_t at = header.find(before);
  return at == std::string::npos ? at : at + before.size();
}

TensorFileHeader read_safetensors_header(const std::string& path) {
  return open_file(path).header;
}

TensorFile read_safetensors(const std::string& path, int64_t map_above) {
  OpenFile file = open_file(path);
  TensorFile result;
  result.metadata = std::move(file.header.metadata);
  // The header's tensors are sorted and cover the payload without a gap: one pass without seeking.
  for (const TensorInfo& info : file.header.tensors) {
    result.tensors.emplace_back(info.name, read_tensor(file, info, path, map_above));
  }
  verify(std::move(file.json), result, path);
  return result;
}

}  // namespace selfgrad
