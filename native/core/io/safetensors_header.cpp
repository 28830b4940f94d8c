// The header of a safetensors file: its grammar, and the rule that tensors cover the payload exactly once.
#include <algorithm>
#include <set>

#include "error.h"
#include "io/dtype.h"
#include "io/header_json.h"
#include "io/safetensors.h"

namespace selfgrad {
namespace {

/// Reads `{ key: value, … }`; `read_value(key)` must consume the value. A repeated key is refused.
template <typename ReadValue>
void read_object(HeaderJson& json, const ReadValue& read_value) {
  json.expect('{');
  if (json.accept('}')) return;
  std::set<std::string> seen;
  do {
    std::string key = json.string();
    if (!seen.insert(key).second) json.refuse("the key " + json_string(key) + " twice");
    json.expect(':');
    read_value(std::move(key));
  } while (json.accept(','));
  json.expect('}');
}

std::vector<int64_t> read_integers(HeaderJson& json) {
  std::vector<int64_t> values;
  json.expect('[');
  if (json.accept(']')) return values;
  do {
    values.push_back(json.integer());
  } while (json.accept(','));
  json.expect(']');
  return values;
}

TensorInfo read_tensor_info(HeaderJson& json, std::string name) {
  TensorInfo info;
  info.name = std::move(name);
  int fields = 0;
  read_object(json, [&](const std::string& key) {
    ++fields;
    if (key == "dtype") {
      info.dtype = json.string();
    } else if (key == "shape") {
      info.shape = read_integers(json);
    } else if (key == "data_offsets") {
      const std::vector<int64_t> offsets = read_integers(json);
      if (offsets.size() != 2 || offsets[0] > offsets[1]) json.refuse("offsets that are not [begin, end]");
      info.begin = static_cast<uint64_t>(offsets[0]);
      info.end = static_cast<uint64_t>(offsets[1]);
    } else {
      json.refuse("the unknown key " + json_string(key));
    }
  });
  if (fields != 3) json.refuse("a tensor without dtype, shape and data_offsets");
  return info;
}

[[noreturn]] void refuse_tensor(const std::string& path, const TensorInfo& info,
                                const std::string& received) {
  throw Error("ERR_CHECKPOINT", "Expected a safetensors file at " + path + " but received " + received +
                                    " for tensor " + json_string(info.name) +
                                    ". The file is damaged or of another format.");
}

void check_size(const TensorInfo& info, const std::string& path) {
  const auto type = dtype_from_name(info.dtype);
  uint64_t bytes = type ? c10::elementSize(*type) : 1;
  bool empty = false;
  for (const int64_t extent : info.shape) {
    empty = empty || extent == 0;
    // Zeros count as one: strides of an empty tensor are products of its other extents, and must fit as well.
    const auto factor = static_cast<uint64_t>(std::max<int64_t>(extent, 1));
    if (factor > static_cast<uint64_t>(INT64_MAX) / bytes)
      refuse_tensor(path, info, "a shape that overflows");
    bytes *= factor;
  }
  if (type && info.end - info.begin != (empty ? 0 : bytes)) {
    refuse_tensor(
        path, info,
        std::to_string(info.end - info.begin) + " bytes instead of " + std::to_string(empty ? 0 : bytes));
  }
}

void check_cover(const std::vector<TensorInfo>& tensors, uint64_t payload, const std::string& path) {
  uint64_t expected = 0;
  for (const TensorInfo& info : tensors) {
    check_size(info, path);
    if (info.begin != expected) refuse_tensor(path, info, info.begin < expected ? "an overlap" : "a gap");
    expected = info.end;
  }
  if (expected != payload) {
    throw Error("ERR_CHECKPOINT", "Expected a safetensors file at " + path + " but received " +
                                      std::to_string(payload) + " bytes of tensors instead of " +
                                      std::to_string(expected) + ". The file is cut, or has more behind it.");
  }
}

}  // namespace

TensorFileHeader parse_safetensors_header(const char* json, size_t size, uint64_t payload,
                                          const std::string& path) {
  TensorFileHeader header;
  HeaderJson cursor({json, size}, path);
  read_object(cursor, [&](std::string key) {
    if (key == "__metadata__") {
      read_object(cursor, [&](std::string name) { header.metadata[std::move(name)] = cursor.string(); });
    } else {
      header.tensors.push_back(read_tensor_info(cursor, std::move(key)));
    }
  });
  cursor.end();
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [](const TensorInfo& a, const TensorInfo& b) {
                     return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
                   });
  check_cover(header.tensors, payload, path);
  return header;
}

}  // namespace selfgrad
