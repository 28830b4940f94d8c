// Networks as files: weights under PyTorch's names in safetensors, and in its metadata what rebuilds the
// network.
#pragma once

#include <memory>
#include <string>

#include "io/safetensors.h"
#include "nn/network.h"

namespace selfgrad {

/// The options as `model.*` metadata.
Metadata describe(const NetworkOptions& options);

/// The inverse. @throws Error("ERR_CHECKPOINT") naming `path` when something is missing or malformed.
NetworkOptions network_options(const Metadata& metadata, const std::string& path);

/// Writes weights, buffers and options; `extra` is added to the metadata. @throws as write_safetensors.
void save_network(const std::string& path, const Network& network, const Metadata& extra);

/// What the network costs that a file describes, without its weights.
/// @throws Error("ERR_CHECKPOINT") as network_options and for a network larger than the file,
/// Error("ERR_OPTION") for one that cannot be built
std::vector<LayerCost> described_costs(const TensorFileHeader& header, const std::string& path);

/// Rebuilds a network from a model file or a checkpoint, in evaluation mode, from the averaged weights where
/// there are any; other tensors are left alone.
/// @throws Error("ERR_CHECKPOINT") for a foreign file, a missing tensor or another shape.
std::shared_ptr<Network> load_network(const TensorFile& file, const std::string& path);

/// Copies the file's tensors over `targets` of the same name. @throws Error("ERR_CHECKPOINT") when one is
/// missing or of another shape or type.
void load_tensors(const TensorFile& file, const NamedTensors& targets);

}  // namespace selfgrad
