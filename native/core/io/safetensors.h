// safetensors files (huggingface/safetensors, format 1): an 8-byte length, a JSON header, raw little-endian
// tensors. Files are untrusted: every length is checked before it is used.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "io/mapped_file.h"

namespace selfgrad {

using Metadata = std::map<std::string, std::string>;
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Metadata under this key is the checksum of the file: of the header with zeros in its place, then of each
/// tensor. Who writes a file asks for it with any value; who reads one with it gets the bytes that were
/// written, or an error. Other programs that change a file of ours must drop the key.
inline constexpr const char* kChecksumKey = "selfgrad.checksum";

struct TensorInfo {
  std::string name, dtype;  ///< dtype as in the file: F32, BF16, U8, I8, I32, I64, …
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;  ///< bytes, relative to the end of the header
};

struct TensorFileHeader {
  Metadata metadata;
  std::vector<TensorInfo> tensors;  ///< in file order
};

struct TensorFile {
  Metadata metadata;
  NamedTensors tensors;
  /// The tensor of that name. @throws Error("ERR_CHECKPOINT") naming it when it is absent.
  const at::Tensor& at(const std::string& name) const;
  bool has(const std::string& name) const;
};

/// Parses a header alone. Refuses: more than 100 MB, duplicate keys, overlaps, gaps, sizes that disagree
/// with shape and dtype, metadata that is not strings, anything behind the last tensor.
/// @throws Error("ERR_CHECKPOINT") with the file's path and what is wrong.
TensorFileHeader read_safetensors_header(const std::string& path);

/// Reads the whole file. A tensor owns its memory, but one of more than `map_above` bytes is mapped, and to
/// be read only. @throws as read_safetensors_header.
TensorFile read_safetensors(const std::string& path, int64_t map_above = kMapAbove);

/// Writes beside `path`, syncs, and renames over it: a reader sees the old file or the new one.
/// @throws Error("ERR_WRITE") (disk full, no permission); the old file stays.
void write_safetensors(const std::string& path, const Metadata& metadata, const NamedTensors& tensors);

/// Where the checksum's 16 digits stand in a header; npos when it has none.
size_t find_checksum(const std::string& header);

/// Parses a header from bytes (what the fuzzer calls). `payload` = bytes behind the header.
TensorFileHeader parse_safetensors_header(const char* json, size_t size, uint64_t payload,
                                          const std::string& path);

}  // namespace selfgrad
