// What the fuzzers feed: one function for each parser of untrusted bytes. Each returns normally for every
// input; what it throws beyond Error, a sanitizer's report or a crash is a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace selfgrad::fuzz {

using Target = void (*)(const uint8_t* bytes, size_t size);

/// The header's grammar and the rule that tensors cover the payload: `bytes` is the header.
void safetensors_header(const uint8_t* bytes, size_t size);

/// A whole file as it lies on the disk, checksum included.
void safetensors_file(const uint8_t* bytes, size_t size);

/// A model file, loaded and described. `bytes` is its header; the payload that it claims, up to 1 MB, is
/// added as zeros, so that mutations of the metadata reach what reads it.
void model_file(const uint8_t* bytes, size_t size);

/// PyTorch weights, as three architectures in turn; otherwise as model_file.
void state_dict(const uint8_t* bytes, size_t size);

/// A checkpoint of a small run; otherwise as model_file.
void checkpoint(const uint8_t* bytes, size_t size);

/// All of them by name, which is also the name of the corpus's folder.
inline const std::map<std::string, Target> kTargets = {
    {"safetensors_header", safetensors_header},
    {"safetensors_file", safetensors_file},
    {"model_file", model_file},
    {"state_dict", state_dict},
    {"checkpoint", checkpoint},
};

}  // namespace selfgrad::fuzz
