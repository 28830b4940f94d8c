// Writing safetensors files: equal tensors give equal bytes, so files can be compared by checksum.
#include <algorithm>
#include <set>
#include <tuple>

#include "error.h"
#include "io/atomic_file.h"
#include "io/checksum.h"
#include "io/dtype.h"
#include "io/header_json.h"
#include "io/safetensors.h"

namespace selfgrad {
namespace {

constexpr size_t kHeaderAlignment = 8;

/// What stands in the checksum's place while it is computed.
constexpr const char* kNoChecksum = "0000000000000000";

/// Wide elements first, then by name: with an aligned header every tensor is aligned without gaps.
NamedTensors in_file_order(const NamedTensors& tensors) {
  NamedTensors sorted;
  for (const auto& [name, tensor] : tensors)
    sorted.emplace_back(name, tensor.detach().cpu().contiguous());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::make_tuple(-static_cast<int>(a.second.element_size()), a.first) <
           std::make_tuple(-static_cast<int>(b.second.element_size()), b.first);
  });
  return sorted;
}

std::string checked_string(const std::string& text) {
  if (!is_utf8(text))
    throw Error("ERR_NATIVE", "Expected UTF-8 for a safetensors key but received other bytes.");
  return json_string(text);
}

std::string tensor_entry(const std::string& name, const at::Tensor& tensor, uint64_t begin) {
  const auto dtype = dtype_name(tensor.scalar_type());
  if (!dtype || name == "__metadata__") {
    throw Error("ERR_NATIVE", "Expected a tensor that safetensors can hold but received " +
                                  json_string(name) + " of type " + c10::toString(tensor.scalar_type()) +
                                  ".");
  }
  std::string shape;
  for (const int64_t extent : tensor.sizes())
    shape += (shape.empty() ? "" : ",") + std::to_string(extent);
  return checked_string(name) + ":{\"dtype\":\"" + std::string(*dtype) + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(begin + tensor.nbytes()) +
         "]}";
}

std::string header_text(const Metadata& metadata, const NamedTensors& sorted) {
  std::string entries;
  for (const auto& [key, value] : metadata) {
    entries += (entries.empty() ? "" : ",") + checked_string(key) + ":" +
               checked_string(key == kChecksumKey ? kNoChecksum : value);
  }
  if (!entries.empty()) entries = "\"__metadata__\":{" + entries + "}";
  uint64_t begin = 0;
  std::set<std::string> seen;
  for (const auto& [name, tensor] : sorted) {
    if (!seen.insert(name).second) {
      throw Error("ERR_NATIVE",
                  "Expected one tensor of each name but received " + json_string(name) + " twice.");
    }
    entries += (entries.empty() ? "" : ",") + tensor_entry(name, tensor, begin);
    begin += tensor.nbytes();
  }
  std::string text = "{" + entries + "}";
  text.append((kHeaderAlignment - text.size() % kHeaderAlignment) % kHeaderAlignment, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::string& path, const Metadata& metadata, const NamedTensors& tensors) {
  const NamedTensors sorted = in_file_order(tensors);
  std::string header = header_text(metadata, sorted);
  if (const size_t place = find_checksum(header); place != std::string::npos) {
    Checksum checksum;
    checksum.add(header.data(), header.size());
    for (const auto& [name, tensor] : sorted)
      checksum.add(tensor.data_ptr(), tensor.nbytes());
    header.replace(place, std::string(kNoChecksum).size(), checksum.text());
  }
  const uint64_t length = header.size();
  AtomicFile file(path);
  file.write(&length, sizeof(length));
  file.write(header.data(), header.size());
  for (const auto& [name, tensor] : sorted)
    file.write(tensor.data_ptr(), tensor.nbytes());
  file.commit();
}

}  // namespace selfgrad
